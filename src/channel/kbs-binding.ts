/** What must the hardware sign for a guest that speaks the KBS protocol? The hash of nonce and key, and of init-data. */
import type { EvidenceFormat } from "../attestation/evidence.ts";
import { equalBytes, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import type { HashName, Primitives } from "../base/primitives.ts";
import type { KbsPublicKey } from "./kbs-key.ts";

/** Versions of the protocol that are spoken here. */
export type KbsVersion = "0.2.0" | "0.4.0";

export interface KbsRuntimeData {
  /** The nonce of the challenge as its text was sent, of one's own view of the exchange. */
  readonly nonce: string;
  /** With exactly the members that came, so that `alg` is bound too. */
  readonly teePubkey: KbsPublicKey;
  /** The text about further devices, empty where there are none. Protocol 0.2.0 has no such text. */
  readonly additionalEvidence: string;
}

const REPORT_DATA_SIZE = 64;
const HOST_DATA_SIZE = 32;

/**
 * The bytes that evidence of a format has to carry: SHA-384 of the canonical JSON of the runtime data. REPORT_DATA has zeroes behind
 * them; a quote's qualifying data has not.
 *
 * @param data - Of one's own view: the nonce that was issued, never the one that the guest repeats.
 */
export function kbsBinder(
  version: KbsVersion,
  data: KbsRuntimeData,
  format: EvidenceFormat,
  { digest }: Pick<Primitives, "digest">,
): Uint8Array {
  const { nonce, teePubkey, additionalEvidence } = data;
  const hashed = { nonce, "tee-pubkey": { ...teePubkey } };
  const devices = version === "0.4.0" ? { "additional-evidence": additionalEvidence } : {};
  const hash = digest("sha384", canonicalJsonBytes({ ...hashed, ...devices }));
  return format === "azure-hcl" ? hash : sized(hash, REPORT_DATA_SIZE);
}

/** Hashes that a text of init-data may name for its own digest; SM3, which it may too, is none of ours. */
const INIT_DATA_HASHES: readonly HashName[] = ["sha256", "sha384", "sha512"];

/**
 * Whether a guest was started with this init-data: HOST_DATA is the digest of the whole text, cut to 32 bytes where it is longer.
 * Which hash is not asked of the text: under any of them 32 bytes stand for one text alone.
 *
 * @param hostData - 32 bytes, of a verified report.
 */
export function isKbsInitData(
  hostData: Uint8Array,
  initData: string,
  { digest }: Pick<Primitives, "digest">,
): boolean {
  if (!initData.isWellFormed()) return false;
  const bytes = utf8(initData);
  return INIT_DATA_HASHES.some((hash) => equalBytes(hostData, sized(digest(hash, bytes), HOST_DATA_SIZE)));
}

function sized(bytes: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(bytes.subarray(0, size));
  return whole;
}
