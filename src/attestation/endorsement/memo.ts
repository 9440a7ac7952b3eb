/** What has been proven before? Parsed certificates and good signatures by SHA-256: facts that no clock can change. */
import { hexOf } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { type AmdExtensions, amdExtensionsOf } from "./amd-extensions.ts";
import { type Certificate, type Crl, parseCertificate, parseCrl } from "./x509.ts";

/** Bounded memory of the chain verifier. Dates, CRLs and the agreement with a report are judged anew each time. */
export interface ChainMemo {
  readonly certificate: (der: Uint8Array, primitives: Primitives) => Known<Certificate>;
  readonly crl: (der: Uint8Array, primitives: Primitives) => Known<Crl>;
  readonly extensions: (leaf: Known<Certificate>) => AmdExtensions;
  /** Whether `signed` carries a good signature by `issuer`. */
  readonly isSigned: (
    signed: Known<Signed>,
    issuer: Known<Certificate>,
    primitives: Primitives,
  ) => Promise<boolean>;
}

/** Parsed once, and known by the digest of its DER. */
export interface Known<T> {
  readonly id: string;
  readonly value: T;
}

export type Signed = Pick<Certificate, "tbs" | "signature">;

/** @param maxEntries - How many certificates, and how many proven signatures, are kept; the oldest go first. */
export function createChainMemo(maxEntries: number): ChainMemo {
  const certificates = createBounded<Known<Certificate>>(maxEntries);
  const crls = createBounded<Known<Crl>>(maxEntries);
  const extensions = createBounded<AmdExtensions>(maxEntries);
  const signatures = createBounded<boolean>(maxEntries);
  const idOf = createIds();
  return {
    certificate: (der, primitives) => {
      const id = idOf(der, primitives);
      return certificates.of(id, () => ({ id, value: parseCertificate(der) }));
    },
    crl: (der, primitives) => {
      const id = idOf(der, primitives);
      return crls.of(id, () => ({ id, value: parseCrl(der) }));
    },
    extensions: ({ id, value }) => extensions.of(id, () => amdExtensionsOf(value)),
    isSigned: async (signed, issuer, primitives) => {
      const key = `${signed.id}<${issuer.id}`;
      const proven = signatures.find(key);
      if (proven !== undefined) return proven;
      const { tbs, signature } = signed.value;
      const isGood = await primitives.verify("rsa-pss-sha384", issuer.value.spki, tbs, signature);
      signatures.keep(key, isGood);
      return isGood;
    },
  };
}

/**
 * SHA-256 of each array, once: a chain is looked at before it is verified.
 * INVARIANT: nobody writes to DER that is judged; evidence and shelf hold copies of their own.
 */
function createIds(): (der: Uint8Array, primitives: Primitives) => string {
  const ids = new WeakMap<Uint8Array, string>();
  return (der, primitives) => {
    const known = ids.get(der);
    if (known !== undefined) return known;
    const id = hexOf(primitives.digest("sha256", der));
    ids.set(der, id);
    return id;
  };
}

interface Bounded<T> {
  readonly find: (key: string) => T | undefined;
  readonly keep: (key: string, value: T) => void;
  readonly of: (key: string, make: () => T) => T;
}

/** A map that forgets what was used longest ago. A value that could not be made is not kept. */
function createBounded<T>(maxEntries: number): Bounded<T> {
  const kept = new Map<string, T>();
  const find = (key: string): T | undefined => {
    const value = kept.get(key);
    if (value === undefined) return undefined;
    kept.delete(key);
    kept.set(key, value);
    return value;
  };
  const keep = (key: string, value: T): void => {
    const [oldest] = kept.keys();
    if (kept.size >= maxEntries && oldest !== undefined) kept.delete(oldest);
    kept.set(key, value);
  };
  const of = (key: string, make: () => T): T => {
    const known = find(key);
    if (known !== undefined) return known;
    const made = make();
    keep(key, made);
    return made;
  };
  return { find, keep, of };
}
