/**
 * What lies under a movement: a plain grid, a floor plan, or tiles of a map server. Which server is a setting of
 * face-search (`map_tiles_url`); a browser may have its own. The gateway lets pages load pictures from its own origin
 * only, so a map server stands behind it, and without any there is the grid: nothing is asked of the internet.
 */

export interface TileSettings {
  /** With {z}, {x} and {y}; empty: none. */
  url: string
  /** What the map server draws in. */
  system: 'wgs84' | 'gcj02'
  attribution: string
}

export const NO_TILES: TileSettings = { url: '', system: 'wgs84', attribution: '' }
const STORAGE_KEY = 'xunshi.tiles'

/** Whether an address can be one of tiles. */
export const tileFault = (url: string): boolean =>
  url !== '' && !(/^(https?:\/\/|\/)/.test(url) && ['{z}', '{x}', '{y}'].every((hole) => url.includes(hole)))

/** What this browser has chosen; null: nothing, so that of the installation holds. */
export function readTiles(storage: Pick<Storage, 'getItem'> = localStorage): TileSettings | null {
  try {
    const kept: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? 'null')
    if (typeof kept !== 'object' || kept === null) return null
    const settings = { ...NO_TILES, ...kept }
    return typeof settings.url === 'string' && !tileFault(settings.url) ? settings : null
  } catch {
    return null // switched off, or written by hand
  }
}

export function keepTiles(settings: TileSettings, storage: Pick<Storage, 'setItem'> = localStorage): void {
  try {
    storage.setItem(STORAGE_KEY, JSON.stringify(settings))
  } catch {
    // not kept, but it works for this visit
  }
}
