import { describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { usePolygons, type Polygons } from '@/composables/usePolygons'
import { mountPart } from '@/testing/mounting'
import AreaEditor from './AreaEditor.vue'
import PlanEditor from './PlanEditor.vue'

const editor = (polygons: Polygons) => mountPart(AreaEditor, { polygons, picture: null, ratio: 16 / 9 })

async function press(part: ReturnType<typeof editor>, ...keys: string[]): Promise<void> {
  for (const key of keys) await part.get('[role=application]').trigger('keydown', { key })
}

describe('areas', () => {
  it('are drawn with keys alone', async () => {
    const polygons = usePolygons()
    const part = editor(polygons)
    expect(part.text()).toContain('现在没有画面')
    polygons.begin('include')
    await nextTick()
    expect(document.activeElement).toBe(part.get('[role=application]').element)
    await press(part, ' ', 'ArrowRight', ' ', 'Enter')
    expect(polygons.shapes.value).toHaveLength(0)
    await press(part, 'ArrowDown', ' ', 'Enter')
    expect(polygons.zones()).toEqual([
      {
        name: '区域 1',
        kind: 'include',
        points: [
          [0.5, 0.5],
          [0.505, 0.5],
          [0.505, 0.5089],
        ],
      },
    ])
    part.unmount()
  })

  it('are left with Escape, and Backspace takes a corner back', async () => {
    const polygons = usePolygons()
    const part = editor(polygons)
    polygons.begin('mask')
    await nextTick()
    await press(part, ' ', 'ArrowRight', ' ', 'Backspace')
    expect(polygons.draft.value?.points).toHaveLength(1)
    await press(part, 'Escape')
    expect(polygons.draft.value).toBeNull()
    expect(polygons.shapes.value).toHaveLength(0)
    part.unmount()
  })

  it('have corners that keys move and remove, and edges that give new ones', async () => {
    const polygons = usePolygons()
    const part = editor(polygons)
    polygons.begin('mask')
    polygons.useRectangle('')
    await nextTick()
    const corner = () => part.findAll('button.corner')
    expect(corner()[0]?.attributes('aria-label')).toBe('角点 1，位于 30%, 30%')
    await corner()[0]?.trigger('keydown', { key: 'ArrowLeft', shiftKey: true })
    expect(polygons.masks()[0]?.[0]).toEqual([0.25, 0.3])
    await part.findAll('button.middle')[0]?.trigger('click')
    expect(corner()).toHaveLength(5)
    await corner()[1]?.trigger('keydown', { key: 'Delete' })
    expect(corner()).toHaveLength(4)
    await part.get('.areas').trigger('keydown', { key: 'z', ctrlKey: true })
    expect(corner()).toHaveLength(5)
    part.unmount()
  })
})

describe('working hours', () => {
  const windows = [{ days: [1], from: '22:00', to: '06:00' }]

  it('name the night that ends tomorrow, and a window without a day', async () => {
    const part = mountPart(PlanEditor, { modelValue: windows })
    expect(part.text()).toContain('到第二天')
    await part.get('[aria-pressed=true]').trigger('click')
    expect(part.emitted('update:modelValue')?.[0]).toEqual([[{ ...windows[0], days: [] }]])
    part.unmount()
  })

  it('are no plan when the last window is removed', async () => {
    const part = mountPart(PlanEditor, { modelValue: windows })
    await part.get('[aria-label=删除时段]').trigger('click')
    expect(part.emitted('update:modelValue')?.[0]).toEqual([null])
    part.unmount()
  })
})
