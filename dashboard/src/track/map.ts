/** The map of a movement: Leaflet, without Vue. Draws what it is given and tells what was clicked. */
import L from 'leaflet'
import 'leaflet/dist/leaflet.css'
import type { FloorPlan } from '@/api/faceTypes'
import type { TileSettings } from './background'
import { toGcj02, type Place } from './geo'
import { placeOn, type Spot, type Track, type Way } from './track'

export interface TrackMapOptions {
  onSpot: (spot: Spot) => void
  /** Tiles do not come. */
  onTileError: () => void
  /** The words on a spot, for those who do not see it. */
  label: (spot: Spot) => string
}

export interface TrackMap {
  setTiles: (tiles: TileSettings) => void
  setPlan: (plan: FloorPlan | null) => void
  setTrack: (track: Track | null) => void
  /** Where somebody is at a moment, and what lies behind them by then. */
  setMoment: (place: Place | null, at: number) => void
  fit: () => void
  destroy: () => void
}

/** As far as a building needs, beyond what map servers have. */
const MAX_ZOOM = 23
const TILES_ZOOM = 19
const FIT_ZOOM = 19
const GRID_PX = 256
/** Of a bent line. */
const PIECES = 16

/** A plain grid, drawn here: works with no network at all. */
const Grid = L.GridLayer.extend({
  createTile(): HTMLElement {
    const tile = document.createElement('div')
    tile.className = 'track-grid'
    return tile
  },
}) as new (options: L.GridLayerOptions) => L.GridLayer

export function createTrackMap(element: HTMLElement, options: TrackMapOptions): TrackMap {
  const map = L.map(element, {
    zoomControl: false,
    attributionControl: false,
    maxZoom: MAX_ZOOM,
    zoomSnap: 0.25,
  })
  const credits = L.control.attribution({ prefix: false }).addTo(map)
  L.control.zoom({ position: 'topright' }).addTo(map)
  L.control.scale({ imperial: false }).addTo(map)
  const grid = new Grid({ tileSize: GRID_PX, pane: 'tilePane' }).addTo(map)
  const drawn = L.layerGroup().addTo(map)
  const walker = L.marker([0, 0], {
    icon: L.divIcon({ className: 'track-walker', iconSize: [20, 20] }),
    interactive: false,
    keyboard: false,
    zIndexOffset: 1000,
  })
  let tileLayer: L.TileLayer | null = null
  let planLayer: L.ImageOverlay | null = null
  let system: TileSettings['system'] = 'wgs84'
  let track: Track | null = null
  let lines: { way: Way; line: L.Polyline }[] = []
  let marks: { spot: Spot; mark: L.Marker }[] = []
  map.setView([35, 105], 4) // until there is something to show

  const at = (place: Place): L.LatLngTuple => {
    const { lon, lat } = system === 'gcj02' ? toGcj02(place) : place
    return [lat, lon]
  }

  function setTiles(tiles: TileSettings): void {
    if (tileLayer !== null) {
      credits.removeAttribution(String(tileLayer.options.attribution ?? ''))
      tileLayer.remove()
      tileLayer = null
    }
    system = tiles.url === '' ? 'wgs84' : tiles.system
    if (tiles.url !== '') {
      tileLayer = L.tileLayer(tiles.url, {
        maxZoom: MAX_ZOOM,
        maxNativeZoom: TILES_ZOOM,
        attribution: escaped(tiles.attribution),
      })
      tileLayer.on('tileerror', options.onTileError)
      tileLayer.addTo(map)
      grid.remove()
    } else grid.addTo(map)
    setTrack(track)
  }

  function setPlan(plan: FloorPlan | null): void {
    planLayer?.remove()
    planLayer = null
    if (plan === null) return
    const corner = (lon: number, lat: number) => at({ lon, lat })
    planLayer = L.imageOverlay(
      plan.picture_url,
      [corner(plan.west, plan.south), corner(plan.east, plan.north)],
      { className: 'track-plan', alt: plan.name },
    ).addTo(map)
    map.fitBounds(planLayer.getBounds(), { padding: [20, 20] })
  }

  function drawWay(way: Way): void {
    const points = Array.from({ length: PIECES + 1 }, (_, n) => at(placeOn(way, n / PIECES)))
    const line = L.polyline(points, {
      className: `track-way ${way.verdict}`,
      interactive: false,
    }).addTo(drawn)
    lines.push({ way, line })
  }

  function drawSpot(spot: Spot): void {
    const numbers = spot.stops.map((stop) => stop.number)
    const last = spot.stops[spot.stops.length - 1]
    const html = face(last?.sighting.crop_url, numbers)
    const icon = L.divIcon({ className: `track-spot ${spot.cut ? 'cut' : ''}`, iconSize: [44, 44], html })
    const mark = L.marker(at(spot.place), { icon, title: options.label(spot), alt: options.label(spot) })
      .on('click', () => options.onSpot(spot))
      .addTo(drawn)
    marks.push({ spot, mark })
  }

  function setTrack(next: Track | null): void {
    track = next
    drawn.clearLayers()
    lines = []
    marks = []
    walker.remove()
    for (const way of next?.ways ?? []) drawWay(way)
    for (const spot of next?.spots ?? []) drawSpot(spot)
  }

  function setMoment(place: Place | null, moment: number): void {
    if (place === null) walker.remove()
    else walker.setLatLng(at(place)).addTo(map)
    for (const { way, line } of lines) line.getElement()?.classList.toggle('ahead', way.from.at >= moment)
    for (const { spot, mark } of marks)
      mark.getElement()?.classList.toggle('ahead', (spot.stops[0]?.at ?? 0) > moment)
  }

  function fit(): void {
    const places = track?.spots.map((spot) => at(spot.place)) ?? []
    if (places.length > 0) map.fitBounds(L.latLngBounds(places), { padding: [48, 48], maxZoom: FIT_ZOOM })
  }

  const resized = new ResizeObserver(() => map.invalidateSize())
  resized.observe(element)

  return {
    setTiles,
    setPlan,
    setTrack,
    setMoment,
    fit,
    destroy: () => {
      resized.disconnect()
      map.remove()
    },
  }
}

/** A round picture with the numbers of its stops. */
function face(url: string | undefined, numbers: readonly number[]): HTMLElement {
  const root = document.createElement('span')
  if (url) {
    const image = document.createElement('img')
    image.src = url
    image.alt = ''
    // without it the number alone marks the place
    image.onerror = () => image.remove()
    root.append(image)
  }
  const badge = document.createElement('b')
  badge.textContent = numbers.length > 2 ? `${numbers[0]} +${numbers.length - 1}` : numbers.join(' · ')
  root.append(badge)
  return root
}

/** Leaflet writes attributions as HTML. */
function escaped(text: string): string {
  const span = document.createElement('span')
  span.textContent = text
  return span.innerHTML
}
