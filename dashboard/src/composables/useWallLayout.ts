/** How the wall divides its room; the choice is kept in this browser. */
import { readonly, shallowRef, type ShallowRef } from 'vue'

/** `auto` follows the number of cameras. */
export type WallLayout = 'auto' | 1 | 4 | 9

export interface WallPlan {
  columns: number
  rows: number
  slots: number
}

const STORAGE_KEY = 'xunshi.wall'

/** The grid for a number of cameras; never more than nine at once. */
export function arrange(cameras: number, layout: WallLayout): WallPlan {
  if (layout !== 'auto') {
    const side = Math.sqrt(layout)
    return { columns: side, rows: side, slots: layout }
  }
  const shown = Math.min(9, Math.max(1, cameras))
  const columns = shown <= 1 ? 1 : shown <= 4 ? 2 : 3
  const rows = Math.ceil(shown / columns)
  return { columns, rows, slots: cameras > 9 ? 9 : columns * rows }
}

function stored(): WallLayout {
  try {
    const kept = Number(localStorage.getItem(STORAGE_KEY))
    return kept === 1 || kept === 4 || kept === 9 ? kept : 'auto'
  } catch {
    return 'auto'
  }
}

export function useWallLayout(): {
  layout: Readonly<ShallowRef<WallLayout>>
  setLayout: (next: WallLayout) => void
} {
  const layout = shallowRef<WallLayout>(stored())
  return {
    layout: readonly(layout),
    setLayout(next) {
      layout.value = next
      try {
        localStorage.setItem(STORAGE_KEY, String(next))
      } catch {
        // not kept, but it works for this visit
      }
    },
  }
}
