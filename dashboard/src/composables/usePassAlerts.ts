/** Cameras that saw somebody unprotected a moment ago, so that their pictures can show it. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { MaskState, Pass } from '@/api/types'

export interface PassAlertsOptions {
  /** How long a picture is marked, ms. Default 6000. */
  holdMs?: number
}

export interface PassAlerts {
  /** Verdict by camera id. */
  alerts: Readonly<ShallowRef<ReadonlyMap<string, MaskState>>>
  raise: (pass: Pass) => void
}

export function usePassAlerts(options: PassAlertsOptions = {}): PassAlerts {
  const { holdMs = 6000 } = options
  const alerts = shallowRef<ReadonlyMap<string, MaskState>>(new Map())
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  function lower(camera_id: string): void {
    const rest = new Map(alerts.value)
    rest.delete(camera_id)
    alerts.value = rest
    timers.delete(camera_id)
  }

  function raise(pass: Pass): void {
    if (pass.protected) return
    clearTimeout(timers.get(pass.camera_id))
    alerts.value = new Map(alerts.value).set(pass.camera_id, pass.state)
    timers.set(
      pass.camera_id,
      setTimeout(() => lower(pass.camera_id), holdMs),
    )
  }

  onScopeDispose(() => {
    for (const timer of timers.values()) clearTimeout(timer)
  })

  return { alerts, raise }
}
