/** What would a vTPM be in software? Registers, and an attestation key that quotes them; nothing else of a TPM. */
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { sized } from "../attestation/tpm/command.ts";
import { bitsOf } from "../attestation/tpm/pcrs.ts";
import { TPM_ALG, TPM_GENERATED, TPM_ST } from "../attestation/tpm/words.ts";
import { concatBytes, u8, u16be, u32be, u64be, utf8 } from "../base/bytes.ts";

/** What is quoted, and how; what is not given is what a verifier asks for. */
export interface QuotePlan {
  /** TPM2_Quote's `qualifyingData`. */
  readonly qualifyingData: Uint8Array;
  readonly magic?: number;
  readonly type?: number;
  /** Each selection with its bank and the bits of its registers. */
  readonly selections?: readonly { readonly bank: number; readonly bits: Uint8Array }[];
  /** What the digest is over, where it is not the values that are shown. */
  readonly digested?: readonly Uint8Array[];
  readonly resetCount?: number;
  /** The last word on the bytes before they are signed, and on what is shown after. */
  readonly patchBefore?: (attest: Uint8Array) => Uint8Array;
  readonly patchAfter?: (attest: Uint8Array) => Uint8Array;
}

export interface SimulatedQuote {
  /** TPMS_ATTEST. */
  readonly quote: Uint8Array;
  /** RSASSA-PKCS1-v1_5 with SHA-256: 256 bytes; of a key on P-256 `r ‖ s`, 64 bytes. */
  readonly signature: Uint8Array;
  /** 24 values of 32 bytes. */
  readonly pcrs: readonly Uint8Array[];
}

export interface SimulatedVtpm {
  readonly key: KeyObject;
  /** 256 bytes, big-endian. */
  readonly akModulus: Uint8Array;
  readonly quote: (plan: QuotePlan) => SimulatedQuote;
}

const PCR_COUNT = 24;
const ALL = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);
/** What Azure's vTPM says of itself. */
const FIRMWARE_VERSION = 0x2020_0312_0012_0003n;

/** An attestation key of the kind that Azure's paravisor makes: RSA, 2048 bits, exponent 65537. */
export function generateAttestationKey(): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
}

/**
 * Makes a vTPM.
 *
 * @param values - Registers by their number; the others hold what an ordinary boot left there, zeroes or ones.
 */
export function createSimulatedVtpm(
  key: KeyObject,
  values: Readonly<Record<number, Uint8Array>> = {},
): SimulatedVtpm {
  const pcrs = ALL.map((pcr) => values[pcr] ?? ordinaryPcr(pcr));
  return { key, akModulus: modulusOf(key), quote: (plan) => quoteOf(plan, pcrs, key) };
}

/** Firmware and boot loader extended some; 17 to 22 stand at ones until a launch that nobody makes here. */
function ordinaryPcr(pcr: number): Uint8Array {
  if (pcr >= 17 && pcr <= 22) return new Uint8Array(32).fill(0xff);
  return pcr <= 9 || pcr === 11 ? sha256(utf8(`simulated PCR ${pcr}`)) : new Uint8Array(32);
}

function quoteOf(plan: QuotePlan, pcrs: readonly Uint8Array[], key: KeyObject): SimulatedQuote {
  const attest = attestOf(plan, pcrs);
  const signed = plan.patchBefore?.(attest) ?? attest;
  const signature = Uint8Array.from(sign("sha256", signed, { key, dsaEncoding: "ieee-p1363" }));
  return { quote: plan.patchAfter?.(signed.slice()) ?? signed, signature, pcrs };
}

/** TPMS_ATTEST of a quote (TPM 2.0 Part 2, section 10.12.8). */
function attestOf(plan: QuotePlan, pcrs: readonly Uint8Array[]): Uint8Array {
  const { magic = TPM_GENERATED, type = TPM_ST.attestQuote, resetCount = 3 } = plan;
  const { selections = [{ bank: TPM_ALG.sha256, bits: bitsOf(ALL) }], digested = pcrs } = plan;
  const name = concatBytes(u16be(TPM_ALG.sha256), sha256(utf8("the name of a simulated key")));
  return concatBytes(
    u32be(magic),
    u16be(type),
    sized(name),
    sized(plan.qualifyingData),
    u64be(8465n), // since the TPM was reset
    u32be(resetCount),
    u32be(0),
    u8(1),
    u64be(FIRMWARE_VERSION),
    u32be(selections.length),
    ...selections.map(({ bank, bits }) => concatBytes(u16be(bank), u8(bits.length), bits)),
    sized(sha256(concatBytes(...digested))),
  );
}

function modulusOf(key: KeyObject): Uint8Array {
  const { n = "" } = key.export({ format: "jwk" });
  return Uint8Array.from(Buffer.from(n, "base64url"));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}
