/** How is a volume opened? By the copy of its header that was judged, and by the one key slot that was meant. */
import type { Digest } from "./binary-header.ts";
import { type CryptsetupOptions, givenFile, isDone, runCryptsetup } from "./cryptsetup.ts";
import { withHeaderCopy } from "./disk.ts";
import type { SlotKey, VolumeHead } from "./marker.ts";

/** What to open, and as what below /dev/mapper; without a name the key is only tried. */
export interface OpenTarget {
  readonly device: string;
  readonly name?: string | undefined;
}

export interface OpenParts {
  readonly primitives: Digest;
  readonly cryptsetup?: CryptsetupOptions | undefined;
}

/**
 * Opens a volume, or tries a key on it. The disk's own header is not looked at again.
 *
 * @returns Whether this key opens this key slot.
 * @throws {@link Fault} `file/unusable` where cryptsetup is not installed, ends otherwise, or takes too long.
 */
export function openVolume(
  head: VolumeHead,
  { slot, secret }: Pick<SlotKey, "slot" | "secret">,
  { target, parts }: { readonly target: OpenTarget; readonly parts: OpenParts },
): Promise<boolean> {
  return withHeaderCopy(head, parts.primitives, async (copy) => {
    const words = wordsOf(target, slot);
    const ended = await runCryptsetup(words, { key: secret, files: [copy.fd] }, parts.cryptsetup ?? {});
    return isDone(ended, target.device);
  });
}

function wordsOf({ device, name }: OpenTarget, slot: string): readonly string[] {
  const how = ["--type", "luks2", "--disable-external-tokens", "--header", givenFile(0), "--key-slot", slot];
  const words = ["open", ...how, "--key-file", "-", ...(name === undefined ? ["--test-passphrase"] : [])];
  return [...words, "--", device, ...(name === undefined ? [] : [name])];
}
