/** The lists that persons are on; loaded once, for filters, forms and names. */
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { FaceList } from '@/api/faceTypes'
import { listLists } from '@/api/people'
import type { LoadState } from './cameras'

export const useFaceLists = defineStore('faceLists', () => {
  const lists = shallowRef<FaceList[]>([])
  const state = shallowRef<LoadState>('idle')
  const error = shallowRef<unknown>(null)
  let turn = 0

  async function load(): Promise<void> {
    const mine = ++turn
    if (state.value !== 'ready') state.value = 'loading'
    try {
      const found = await listLists()
      if (mine !== turn) return
      lists.value = found
      error.value = null
      state.value = 'ready'
    } catch (problem) {
      if (mine !== turn) return
      error.value = problem
      if (state.value !== 'ready') state.value = 'failed'
    }
  }

  const find = (list_id: string): FaceList | undefined => lists.value.find((list) => list.list_id === list_id)

  return { lists, state, error, load, find }
})
