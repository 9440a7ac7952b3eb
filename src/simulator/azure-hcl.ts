/** What would Azure's paravisor be in software? It vouches for a vTPM's key: runtime claims, and a report over their hash. */
import { createHash, randomBytes } from "node:crypto";
import * as layout from "../attestation/azure/layout.ts";
import { base64UrlOf, concatBytes, utf8 } from "../base/bytes.ts";
import type { ReportPlan, SimulatedChip } from "./sp.ts";

/** What the paravisor says. What is not given is ordinary for a confidential VM of today. */
export interface ParavisorPlan {
  /** Of the vTPM's attestation key: an RSA modulus of 256 bytes, big-endian; the exponent is 65537. */
  readonly akModulus: Uint8Array;
  readonly isSecureBoot?: boolean;
  /** Members of `vm-configuration`, over the ordinary ones. */
  readonly vmConfiguration?: Readonly<Record<string, unknown>>;
  /** The text of the runtime claims, made of the ordinary one. */
  readonly claims?: (ordinary: string) => string | Uint8Array;
  /** What the report says besides; the claims' hash is REPORT_DATA whatever stands here. */
  readonly report?: Omit<ReportPlan, "reportData">;
  /** The last word on the blob. */
  readonly patch?: (blob: Uint8Array) => void;
}

/** NV index 0x01400001 of a VM of 2024 and later. */
const NV_SIZE = 2600;
const HEADER_VERSION = 2;
/** An ID key and a security version that the shipped policy for Azure knows. */
const ID_KEY_DIGEST =
  "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";
const GUEST_SVN = { milan: 12, genoa: 65_547, turin: 65_547 } as const;
/** ABI 0.31, SMT allowed. */
const GUEST_POLICY = 0x3_001fn;
const VM_ID = "00000000-0000-4000-8000-000000000001";

/** Makes what NV index 0x01400001 holds on a machine of this chip: 2600 bytes. */
export function azureHclBlob(chip: SimulatedChip, plan: ParavisorPlan): Uint8Array {
  const claimsBytes = claimsOf(plan);
  const report = chip.report({
    policy: GUEST_POLICY,
    ...plan.report,
    reportData: concatBytes(sha256(claimsBytes), new Uint8Array(32)),
    fields: {
      idKeyDigest: Uint8Array.from(Buffer.from(ID_KEY_DIGEST, "hex")),
      guestSvn: u32s(GUEST_SVN[chip.product]),
      ...plan.report?.fields,
    },
  });
  const reportSize = layout.HCL_CLAIMS_AT + claimsBytes.length;
  const written = concatBytes(
    u32s(layout.HCL_SIGNATURE, HEADER_VERSION, reportSize, layout.HCL_REQUEST_AK_CERT, 0, 0, 0, 0),
    report,
    u32s(
      layout.HCL_RUNTIME_HEADER_SIZE + claimsBytes.length,
      layout.HCL_RUNTIME_VERSION,
      layout.HCL_REPORT_TYPE_SNP,
      layout.HCL_HASH_SHA256,
      claimsBytes.length,
    ),
    claimsBytes,
  );
  const blob = new Uint8Array(Math.max(NV_SIZE, written.length));
  blob.set(written);
  plan.patch?.(blob);
  return blob;
}

function claimsOf({ akModulus, isSecureBoot = true, vmConfiguration, claims }: ParavisorPlan): Uint8Array {
  const ordinary = JSON.stringify({
    keys: [
      { kid: layout.HCL_AK_NAME, key_ops: ["sign"], kty: "RSA", e: "AQAB", n: base64UrlOf(akModulus) },
      { kid: layout.HCL_EK_NAME, key_ops: ["encrypt"], kty: "RSA", e: "AQAB", n: base64UrlOf(anyModulus()) },
    ],
    "vm-configuration": {
      "console-enabled": true,
      "secure-boot": isSecureBoot,
      "tpm-enabled": true,
      "tpm-persisted": true,
      vmUniqueId: VM_ID,
      ...vmConfiguration,
    },
    "user-data": "0".repeat(128),
  });
  const text = claims?.(ordinary) ?? ordinary;
  return typeof text === "string" ? utf8(text) : text;
}

/** Nobody encrypts to the endorsement key here: any number of its size will do. */
function anyModulus(): Uint8Array {
  return Uint8Array.from(randomBytes(256), (byte, i) =>
    i === 0 ? byte | 0x80 : i === 255 ? byte | 1 : byte,
  );
}

function sha256(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash("sha256").update(bytes).digest());
}

function u32s(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setUint32(4 * i, value, true);
  return bytes;
}
