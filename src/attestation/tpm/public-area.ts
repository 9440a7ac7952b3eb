/** Which key does a TPM speak of? The public area of a key of RSA or ECC, TPMT_PUBLIC (TPM 2.0 Part 2, section 12.2.4). */
import { Fault } from "../../base/fault.ts";
import type { FaultCode } from "../../base/fault-codes.ts";
import { Reader } from "../../base/reader.ts";
import { malformed, readSized } from "./command.ts";
import { TPM_ALG } from "./words.ts";

/** In a template numbers and coordinates are what the key is made from, and may be zero or empty. */
export type KeyNumbers =
  | {
      readonly kind: "rsa";
      readonly bits: number;
      /** 0 stands for 65537. */
      readonly exponent: number;
      readonly modulus: Uint8Array;
    }
  | { readonly kind: "ecc"; readonly curve: number; readonly x: Uint8Array; readonly y: Uint8Array };

export interface PublicArea {
  /** Of TPM_ALG, as all its algorithms. */
  readonly nameAlgorithm: number;
  /** Bits of OBJECT, and others. */
  readonly attributes: number;
  /** How a key that holds others keeps them; absent in a key that only signs. */
  readonly symmetric:
    | { readonly algorithm: number; readonly bits: number; readonly mode: number }
    | undefined;
  /** Of its signatures; absent where whoever uses it says. */
  readonly scheme: { readonly algorithm: number; readonly hash: number } | undefined;
  readonly numbers: KeyNumbers;
}

/**
 * Reads one, whole.
 *
 * @throws {@link Fault} the code, also for objects that are no such keys and for bytes that are left over.
 */
export function publicAreaIn(bytes: Uint8Array, code: FaultCode): PublicArea {
  const reader = new Reader(bytes, code);
  const area = readPublicArea(reader);
  if (area === undefined) throw new Fault(code, "expected the public area of a key of RSA or ECC");
  reader.end();
  return area;
}

/** Reads one that only signs; what is behind it stays unread. @throws {@link Fault} `tpm/malformed` also for other keys, the reader's code. */
export function readSigningArea(reader: Reader): KeyNumbers {
  const area = readPublicArea(reader);
  if (area === undefined) throw malformed("expected a key of RSA or ECC");
  if (area.symmetric !== undefined) throw malformed("expected a key that only signs");
  return area.numbers;
}

function readPublicArea(reader: Reader): PublicArea | undefined {
  const algorithm = reader.u16be();
  if (algorithm !== TPM_ALG.rsa && algorithm !== TPM_ALG.ecc) return undefined;
  const [nameAlgorithm, attributes] = [reader.u16be(), reader.u32be()];
  readSized(reader); // policy
  const cipher = reader.u16be();
  const symmetric =
    cipher === TPM_ALG.null ? undefined : { algorithm: cipher, bits: reader.u16be(), mode: reader.u16be() };
  const scheme = readScheme(reader);
  const numbers = algorithm === TPM_ALG.rsa ? readRsa(reader) : readEcc(reader);
  return { nameAlgorithm, attributes, symmetric, scheme, numbers };
}

function readRsa(reader: Reader): KeyNumbers {
  return { kind: "rsa", bits: reader.u16be(), exponent: reader.u32be(), modulus: readSized(reader) };
}

function readEcc(reader: Reader): KeyNumbers {
  const curve = reader.u16be();
  readScheme(reader); // of a derivation of keys, of which there is none yet
  return { kind: "ecc", curve, x: readSized(reader), y: readSized(reader) };
}

function readScheme(reader: Reader): PublicArea["scheme"] {
  const algorithm = reader.u16be();
  return algorithm === TPM_ALG.null ? undefined : { algorithm, hash: reader.u16be() };
}
