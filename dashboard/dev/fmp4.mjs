// Reads a fragmented MP4 and replays it without end: fragments with decode times that go on rising.
import { readFileSync } from 'node:fs'

function* boxes(bytes, from = 0, to = bytes.length) {
  for (let at = from; at + 8 <= to;) {
    const size = bytes.readUInt32BE(at)
    yield { type: bytes.toString('latin1', at + 4, at + 8), at, size }
    at += size
  }
}

function find(bytes, path, from = 0, to = bytes.length) {
  for (const box of boxes(bytes, from, to)) {
    if (box.type !== path[0]) continue
    return path.length === 1 ? box : find(bytes, path.slice(1), box.at + 8, box.at + box.size)
  }
  return undefined
}

export function readClip(file) {
  const bytes = readFileSync(file)
  const fragments = []
  let header = Buffer.alloc(0)
  let moof = null
  for (const box of boxes(bytes)) {
    const part = bytes.subarray(box.at, box.at + box.size)
    if (box.type === 'ftyp' || box.type === 'moov') header = Buffer.concat([header, part])
    else if (box.type === 'moof') moof = part
    else if (box.type === 'mdat' && moof !== null) fragments.push(Buffer.concat([moof, part]))
  }
  const avcc = bytes.indexOf('avcC', 0, 'latin1')
  const codec = `avc1.${bytes.toString('hex', avcc + 5, avcc + 8)}`
  const decodeTime = (fragment) => {
    const box = find(fragment, ['moof', 'traf', 'tfdt'])
    return { at: box.at + 12, value: fragment.readBigUInt64BE(box.at + 12) }
  }
  const last = fragments.length - 1
  const step = (decodeTime(fragments[last]).value - decodeTime(fragments[0]).value) / BigInt(last)
  const length = step * BigInt(fragments.length)
  const mdhd = find(header, ['moov', 'trak', 'mdia', 'mdhd'])
  const timescale = header.readUInt32BE(mdhd.at + (header[mdhd.at + 8] === 1 ? 28 : 20))
  const isKey = (fragment) => {
    // trun: first-sample-flags present and sample_is_non_sync not set
    const trun = find(fragment, ['moof', 'traf', 'trun'])
    const tfhd = find(fragment, ['moof', 'traf', 'tfhd'])
    const flags = fragment.readUInt32BE(trun.at + 8) & 0xffffff
    if (flags & 4) return (fragment.readUInt32BE(trun.at + 12 + 4 + (flags & 1 ? 4 : 0)) & 0x10000) === 0
    const tf = fragment.readUInt32BE(tfhd.at + 8) & 0xffffff
    if (tf & 0x20) return (fragment.readUInt32BE(tfhd.at + tfhd.size - 4) & 0x10000) === 0
    return false
  }
  return {
    header,
    mime: `video/mp4; codecs="${codec}"`,
    fps: Number(BigInt(timescale) / step),
    count: fragments.length,
    isKey: (index) => isKey(fragments[index % fragments.length]),
    fragment(index) {
      const copy = Buffer.from(fragments[index % fragments.length])
      const time = decodeTime(copy)
      copy.writeBigUInt64BE(time.value + length * BigInt(Math.floor(index / fragments.length)), time.at)
      return copy
    },
  }
}
