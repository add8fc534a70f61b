/** Whether this browser plays a video, and what its codec is called. */

/** H.265 is kept as it came: many browsers play it only with help of the machine, some never. */
export function canPlay(mime: string): boolean {
  return document.createElement('video').canPlayType(mime) !== ''
}

export function codecName(mime: string): string {
  const codec = /codecs="?([a-z0-9]+)/i.exec(mime)?.[1] ?? ''
  if (/^(hvc1|hev1)/.test(codec)) return 'H.265'
  return /^avc/.test(codec) ? 'H.264' : codec
}
