/** Which key does a TPM speak of? The public area of one that only signs, TPMT_PUBLIC (TPM 2.0 Part 2, section 12.2.4). */
import type { Reader } from "../../base/reader.ts";
import { malformed, readSized } from "./command.ts";
import { TPM_ALG } from "./words.ts";

/** In a template numbers and coordinates are what the key is made from, and may be zero or empty. */
export type SigningArea =
  | {
      readonly kind: "rsa";
      readonly bits: number;
      /** 0 stands for 65537. */
      readonly exponent: number;
      readonly modulus: Uint8Array;
    }
  | { readonly kind: "ecc"; readonly curve: number; readonly x: Uint8Array; readonly y: Uint8Array };

/** Reads one; what is behind it stays unread. @throws {@link Fault} `tpm/malformed` also for keys of another kind, the reader's code. */
export function readSigningArea(area: Reader): SigningArea {
  const algorithm = area.u16be();
  if (algorithm !== TPM_ALG.rsa && algorithm !== TPM_ALG.ecc) throw malformed("expected a key of RSA or ECC");
  area.bytes(2 + 4); // algorithm of the name, attributes
  readSized(area); // policy
  if (area.u16be() !== TPM_ALG.null) throw malformed("expected a key that only signs");
  passScheme(area);
  if (algorithm === TPM_ALG.rsa) {
    return { kind: "rsa", bits: area.u16be(), exponent: area.u32be(), modulus: readSized(area) };
  }
  const curve = area.u16be();
  passScheme(area); // of a derivation of keys, of which there is none yet
  return { kind: "ecc", curve, x: readSized(area), y: readSized(area) };
}

/** A scheme and its hash. */
function passScheme(area: Reader): void {
  if (area.u16be() !== TPM_ALG.null) area.bytes(2);
}
