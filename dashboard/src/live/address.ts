/** Addresses of live pictures: the server may give them with or without host and ticket. */

function withTicket(address: string, ticket: string, origin: string): URL {
  const url = new URL(address, origin)
  if (!url.searchParams.has('ticket')) url.searchParams.set('ticket', ticket)
  return url
}

/** `ws:` or `wss:` address of a stream, as this page was opened. */
export function streamAddress(address: string, ticket: string, origin = location.origin): string {
  const url = withTicket(address, ticket, origin)
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  return url.href
}

/** Address of the first playlist of HLS. */
export function playlistAddress(address: string, ticket: string, origin = location.origin): string {
  return withTicket(address, ticket, origin).href
}

/** Address of a still picture; `turn` keeps a cache from giving the last one again. */
export function snapshotAddress(
  address: string,
  ticket: string,
  turn: number,
  origin = location.origin,
): string {
  const url = withTicket(address, ticket, origin)
  url.searchParams.set('turn', String(turn))
  return url.href
}
