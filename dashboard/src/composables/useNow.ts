/** The time, as a ref that moves; shared, so that a hundred cards need one timer. */
import { onScopeDispose, readonly, shallowRef, type ShallowRef } from 'vue'

const now = shallowRef(Date.now())
const EVERY_MS = 1000
let users = 0
let timer: ReturnType<typeof setInterval> | undefined

export function useNow(): Readonly<ShallowRef<number>> {
  users += 1
  if (users === 1) {
    now.value = Date.now()
    timer = setInterval(() => {
      now.value = Date.now()
    }, EVERY_MS)
  }
  onScopeDispose(() => {
    users -= 1
    if (users === 0) clearInterval(timer)
  })
  return readonly(now)
}
