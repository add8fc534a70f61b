/** A new key for a request that must not happen twice. */

/** `crypto.randomUUID` exists only on secure origins; a wall in a plant may run on plain http. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
