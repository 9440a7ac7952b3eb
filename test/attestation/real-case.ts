/** Which real evidence do tests bend? One catalogued case: report, leaf, intermediate, ARK and AMD's CRL of its time. */
import type { VerifyOptions } from "../../src/attestation/endorsement/chain.ts";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { isFault } from "../../src/base/fault.ts";
import { type Instant, parseInstant } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { readVector } from "../support/shared-vectors.ts";

export interface RealParts {
  readonly report: Uint8Array;
  readonly leaf: Uint8Array;
  readonly intermediate: Uint8Array;
  readonly ark: Uint8Array;
  readonly crl: Uint8Array;
}

const MILAN = "snp/cases/v3-milan-vcek-05b7438a";

/** A genuine Milan guest of 2025. */
export function realParts(): RealParts {
  return {
    report: readVector(MILAN, "report.bin"),
    leaf: readVector(MILAN, "endorsements/vcek.der"),
    intermediate: amdCertificate("SEV-Milan.pem"),
    ark: amdCertificate("ARK-Milan.pem"),
    crl: readVector("snp/amd/milan-06.crl.der"),
  };
}

/** One of AMD's own certificates, in DER. */
export function amdCertificate(name: string): Uint8Array {
  const [der] = parseEndorsementFile(readVector("snp/amd", name)).certificates;
  if (der === undefined) throw new Error(`no certificate in ${name}`);
  return der;
}

/** AMD's roots, with no CRL demanded. */
export function amdTrust(at: string, revocation: VerifyOptions["revocation"] = "if-present"): VerifyOptions {
  return {
    now: instantOf(at),
    primitives: nodePrimitives,
    roots: AMD_ROOTS,
    memo: createChainMemo(64),
    revocation,
  };
}

function instantOf(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined) throw new Error(`${text} is no time`);
  return at;
}

/** `verified`, or the code of the fault; anything else that is thrown goes on. */
export async function verdictOnParts(parts: RealParts, trust: VerifyOptions): Promise<string> {
  try {
    const evidence = parseEvidence({ format: "raw", report: parts.report });
    const certificates = [parts.leaf, parts.intermediate, parts.ark];
    await verifyEvidence(evidence, { certificates, crls: [{ der: parts.crl }] }, trust);
    return "verified";
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}
