/** A photo of a phone is far larger than what a face is recognised by: what is sent of it is smaller. */

/** Longest side of what is sent, px; a face of 40 px in a photo of 12 megapixels is still one of 25. */
const LONGEST_PX = 2560
/** Smaller files are sent as they are, bytes. */
const LARGE_BYTES = 1.5 * 1024 * 1024
const QUALITY = 0.9

/** The photo itself where it is small, or where the browser cannot read it: then the server says what is wrong. */
export async function smallerPhoto(photo: File): Promise<File> {
  if (photo.size <= LARGE_BYTES) return photo
  const picture = await createImageBitmap(photo).catch(() => null)
  if (picture === null) return photo
  try {
    const share = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height))
    const canvas = document.createElement('canvas')
    canvas.width = Math.max(1, Math.round(picture.width * share))
    canvas.height = Math.max(1, Math.round(picture.height * share))
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
    const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', QUALITY))
    return made === null || made.size >= photo.size
      ? photo
      : new File([made], photo.name, { type: made.type })
  } finally {
    picture.close()
  }
}
