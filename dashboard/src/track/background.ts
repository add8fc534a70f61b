/**
 * What lies under a movement: a plain grid, a floor plan, or tiles of a map server. Kept in this browser: the gateway
 * lets pages load pictures from its own origin only, so a map server is put behind it (docs/guide/faces.md), and a page
 * without any shows the grid. Nothing is ever asked of the internet by itself.
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

export function readTiles(storage: Pick<Storage, 'getItem'> = localStorage): TileSettings {
  try {
    const kept: unknown = JSON.parse(storage.getItem(STORAGE_KEY) ?? 'null')
    if (typeof kept !== 'object' || kept === null) return NO_TILES
    const settings = { ...NO_TILES, ...kept }
    return typeof settings.url === 'string' && !tileFault(settings.url) ? settings : NO_TILES
  } catch {
    return NO_TILES // switched off, or written by hand
  }
}

export function keepTiles(settings: TileSettings, storage: Pick<Storage, 'setItem'> = localStorage): void {
  try {
    storage.setItem(STORAGE_KEY, JSON.stringify(settings))
  } catch {
    // not kept, but it works for this visit
  }
}
