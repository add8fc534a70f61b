/** A photo that somebody chose, dropped or pasted, with an address to show it by. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'

/** As the gateway and the decoders have it. */
export const MAX_PHOTO_MB = 20

/** Each has a text (`faces.photo.*`). */
export type PhotoFault = 'notImage' | 'tooLarge'

export interface PhotoFile {
  file: Readonly<ShallowRef<File | null>>
  url: Readonly<ShallowRef<string | null>>
  fault: Readonly<ShallowRef<PhotoFault | null>>
  /** Take one; false when it is refused, and then what was there before stays. */
  take: (file: File) => boolean
  clear: () => void
}

/** Why a file cannot be a photo, or null. A type that the browser does not know is left to the server. */
export function photoFault(file: File): PhotoFault | null {
  if (file.type !== '' && !file.type.startsWith('image/')) return 'notImage'
  return file.size > MAX_PHOTO_MB * 1024 * 1024 ? 'tooLarge' : null
}

export function usePhotoFile(): PhotoFile {
  const file = shallowRef<File | null>(null)
  const url = shallowRef<string | null>(null)
  const fault = shallowRef<PhotoFault | null>(null)

  function show(next: File | null): void {
    if (url.value !== null) URL.revokeObjectURL(url.value)
    url.value = next === null ? null : URL.createObjectURL(next)
    file.value = next
  }

  function take(next: File): boolean {
    fault.value = photoFault(next)
    if (fault.value !== null) return false
    show(next)
    return true
  }

  function clear(): void {
    show(null)
    fault.value = null
  }

  onScopeDispose(clear)
  return { file, url, fault, take, clear }
}
