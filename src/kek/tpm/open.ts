/** How is a root key opened that a TPM keeps? Out of a file that is of use on this machine alone; from then on it wraps as a key in a file does. */
import { readFile } from "node:fs/promises";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { Kek } from "../../broker/world.ts";
import { type KekParts, kekOf } from "../key.ts";
import { unsealKey } from "./seal.ts";
import { parseSealed } from "./sealed-file.ts";
import type { TpmParts } from "./session.ts";

export interface SealedKeyPlace {
  /** `/dev/tpmrm0`, or a socket of this machine. */
  readonly device: string;
  /** The file that `ostiary kek seal` wrote. */
  readonly sealed: string;
}

/** @throws {@link Fault} `kek/unavailable`, `tpm/unavailable`, `tpm/malformed`. */
export async function openTpmKek(
  { device, sealed }: SealedKeyPlace,
  parts: KekParts & TpmParts,
): Promise<Kek> {
  return kekOf(await unsealKey(parseSealed(await bytesOf(sealed)), device, parts), parts);
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(path));
  } catch (thrown) {
    const sentence = `the sealed key \`${path}\` cannot be read (${systemCodeOf(thrown)})`;
    throw new Fault("kek/unavailable", sentence, { path });
  }
}
