import { describe, expect, it, vi } from 'vitest'
import type { Camera, CameraChange } from '@/api/types'
import { aCamera } from '@/testing/samples'
import { useCameraSettings } from './useCameraSettings'

const opened = (change: Partial<Camera> = {}) => {
  const send = vi.fn<(id: string, change: CameraChange) => Promise<Camera>>(() => Promise.resolve(aCamera()))
  const settings = useCameraSettings(send)
  settings.load(aCamera(change))
  return { settings, send }
}

describe('useCameraSettings', () => {
  it('sends only what differs', async () => {
    const { settings, send } = opened({
      zones: [
        {
          name: 'a',
          kind: 'exclude',
          points: [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        },
      ],
    })
    expect(settings.dirty.value).toBe(false)
    settings.values.decode = 'all'
    settings.values.analysed_fps = 2
    await settings.save()
    expect(send).toHaveBeenCalledWith('c1', { decode: 'all', analysed_fps: 2 })
  })

  it('goes back to what is usual with null', () => {
    const { settings } = opened({
      decode: 'keyframes',
      analysed_fps: 1,
      plan: [{ days: [1], from: '08:00', to: '09:00' }],
    })
    Object.assign(settings.values, { decode: null, analysed_fps: null, plan: null })
    expect(settings.change.value).toEqual({ decode: null, analysed_fps: null, plan: null })
  })

  it('keeps, changes and removes the second stream without ever knowing its address', () => {
    const { settings } = opened({ detect_address: 'rtsp://h/sub' })
    expect(settings.values.second).toBe(true)
    expect(settings.change.value).toEqual({})
    settings.values.detectUrl = ' rtsp://u:p@h/102 '
    expect(settings.change.value).toEqual({ detect_url: 'rtsp://u:p@h/102' })
    settings.values.second = false
    expect(settings.change.value).toEqual({ detect_url: null })
  })

  it('says what has to be put right', () => {
    const { settings } = opened()
    settings.values.second = true
    expect(settings.faults.value).toEqual(['tuning.faults.needUrl'])
    settings.values.detectUrl = '10.0.0.1'
    expect(settings.faults.value).toEqual(['cameras.badUrl'])
    settings.values.second = false
    settings.values.plan = [{ days: [], from: '08:00', to: '09:00' }]
    settings.polygons.begin('mask')
    expect(settings.faults.value).toEqual(['tuning.faults.drawing', 'tuning.faults.days'])
    expect(settings.dirty.value).toBe(true)
  })
})
