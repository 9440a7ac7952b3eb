/** What does a TPM call an object? By the hash of its public area, so that the name says what the object is. */
import { concatBytes, u16be } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { TPM_ALG } from "./words.ts";

/** Algorithm and hash: 34 bytes. */
export const NAME_SIZE = 34;

/** The name of an object whose name algorithm is SHA-256. @param publicArea - TPMT_PUBLIC. */
export function nameOf(publicArea: Uint8Array, { digest }: Pick<Primitives, "digest">): Uint8Array {
  return concatBytes(u16be(TPM_ALG.sha256), digest("sha256", publicArea));
}
