/** How is plaintext forgotten? By overwriting it: best effort, since the engine may have copied it before. */

/**
 * Overwrites arrays with zeros.
 *
 * It shortens the time a secret lies in memory and promises no more: the garbage collector moves arrays, native code
 * keeps buffers of its own, and a `string` cannot be overwritten at all. Secrets therefore never become strings.
 */
export function zeroize(...arrays: readonly Uint8Array[]): void {
  for (const array of arrays) array.fill(0);
}
