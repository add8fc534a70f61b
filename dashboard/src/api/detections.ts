/** One photo in, boxes out. */
import type { Detections } from './types'
import { upload, type UploadOptions } from './upload'

export type DetectOptions = Pick<UploadOptions, 'onProgress' | 'signal'>

export function detect(image: File, options: DetectOptions = {}): Promise<Detections> {
  const form = new FormData()
  form.append('image', image, image.name)
  return upload<Detections>('/detections', form, options)
}
