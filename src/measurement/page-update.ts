/** How does one page change the launch digest? The chain over PAGE_INFO (AMD 56860 rev. 1.58, section 8.17). */
import { concatBytes, u64le } from "../base/bytes.ts";

export const PAGE_SIZE = 4096;
export const DIGEST_SIZE = 48;
/** Size of PAGE_INFO, which it carries itself. */
const PAGE_INFO_SIZE = 0x70;

/** SHA-384 of bytes: 48 bytes. */
export type Sha384 = (bytes: Uint8Array) => Uint8Array;

/** PAGE_TYPE of SNP_LAUNCH_UPDATE. */
const PAGE_TYPES = { normal: 1, vmsa: 2, zero: 3, unmeasured: 4, secrets: 5, cpuid: 6 } as const;

export type PageType = keyof typeof PAGE_TYPES;
/** Types whose contents do not count: zero, not measured, or written by the firmware. */
type BarePageType = Exclude<PageType, "normal" | "vmsa">;

const NO_CONTENTS = new Uint8Array(DIGEST_SIZE);

/** The digest before the first page: 48 zero bytes. */
export function firstDigest(): Uint8Array {
  return new Uint8Array(DIGEST_SIZE);
}

/**
 * The launch digest after one more page whose contents count.
 *
 * @param contents - SHA-384 of the 4096 bytes of the page.
 * @param gpa - Guest physical address of the page.
 */
export function afterPage(
  digest: Uint8Array,
  page: { readonly type: "normal" | "vmsa"; readonly gpa: bigint; readonly contents: Uint8Array },
  sha384: Sha384,
): Uint8Array {
  return sha384(pageInfoOf(digest, page.contents, page.type, page.gpa));
}

/** The launch digest after `size` bytes of pages, from `gpa` up, whose contents do not count. */
export function afterBarePages(
  digest: Uint8Array,
  pages: { readonly type: BarePageType; readonly gpa: bigint; readonly size: number },
  sha384: Sha384,
): Uint8Array {
  let newest = digest;
  for (let at = 0; at < pages.size; at += PAGE_SIZE) {
    newest = sha384(pageInfoOf(newest, NO_CONTENTS, pages.type, pages.gpa + BigInt(at)));
  }
  return newest;
}

/** The launch digest after the pages of an image, whole pages, the first one at `gpa`. */
export function afterImage(digest: Uint8Array, image: Uint8Array, gpa: bigint, sha384: Sha384): Uint8Array {
  let newest = digest;
  for (let at = 0; at < image.length; at += PAGE_SIZE) {
    const contents = sha384(image.subarray(at, at + PAGE_SIZE));
    newest = afterPage(newest, { type: "normal", gpa: gpa + BigInt(at), contents }, sha384);
  }
  return newest;
}

/** Digest so far, contents, length, type, IMI 0, no permissions for other VMPLs, address. */
function pageInfoOf(digest: Uint8Array, contents: Uint8Array, type: PageType, gpa: bigint): Uint8Array {
  const head = Uint8Array.of(PAGE_INFO_SIZE, 0, PAGE_TYPES[type], 0, 0, 0, 0, 0);
  return concatBytes(digest, contents, head, u64le(gpa));
}
