/** What does the blob of Azure's paravisor hold? An SEV-SNP report and, beside it, the claims whose hash that report signs. */
import { isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";
import { REPORT_SIZE } from "../snp/layout.ts";
import * as layout from "./layout.ts";

export interface HclBlob {
  /** 1184 bytes. */
  readonly report: Uint8Array;
  /** The runtime claims exactly as they stand: these bytes are hashed. */
  readonly claimsBytes: Uint8Array;
}

/**
 * Takes the blob apart. Nothing outside of report and claims is signed: its sizes and kinds are held against each other and against
 * the only ones that are known, and mean nothing by themselves.
 *
 * @param bytes - What NV index 0x01400001 holds, its trailing zeroes included; at most 4096 bytes.
 * @throws {@link Fault} `evidence/malformed`; also for the blob of a TDX guest.
 * @see microsoft/openvmm, openhcl_attestation_protocol (igvm_attest); platforms.md section 2.1
 */
export function parseHclBlob(bytes: Uint8Array): HclBlob {
  if (bytes.length > layout.HCL_MAX_SIZE) {
    throw malformed(`a blob of at most ${layout.HCL_MAX_SIZE} bytes`, bytes.length);
  }
  const reader = new Reader(bytes, "evidence/malformed");
  const reportSize = readHeader(reader);
  const report = reader.bytes(REPORT_SIZE);
  const claimsSize = readRuntimeHeader(reader);
  expectField("the size of the report", reportSize, layout.HCL_CLAIMS_AT + claimsSize);
  const claimsBytes = reader.bytes(claimsSize);
  if (!isZero(reader.bytes(reader.left))) throw malformed("zeroes after the runtime claims", "other bytes");
  return { report, claimsBytes };
}

/** @returns The size of everything, as the header gives it. */
function readHeader(reader: Reader): number {
  expectField("the signature `HCLA`", reader.u32le(), layout.HCL_SIGNATURE);
  const version = reader.u32le();
  if (!layout.HCL_VERSIONS.includes(version)) throw malformed("version 1 or 2 of the header", version);
  const reportSize = reader.u32le();
  expectField("the request type of an AK certificate", reader.u32le(), layout.HCL_REQUEST_AK_CERT);
  expectField("the status", reader.u32le(), 0);
  if (!isZero(reader.bytes(12))) throw malformed("zeroes in the header's reserved bytes", "others");
  return reportSize;
}

/** @returns The size of the runtime claims. */
function readRuntimeHeader(reader: Reader): number {
  const runtimeSize = reader.u32le();
  expectField("the version of the runtime data", reader.u32le(), layout.HCL_RUNTIME_VERSION);
  expectField("the report type of SEV-SNP", reader.u32le(), layout.HCL_REPORT_TYPE_SNP);
  expectField("the hash type of SHA-256", reader.u32le(), layout.HCL_HASH_SHA256);
  const claimsSize = reader.u32le();
  if (claimsSize > layout.HCL_MAX_CLAIMS_SIZE) {
    throw malformed(`runtime claims of at most ${layout.HCL_MAX_CLAIMS_SIZE} bytes`, claimsSize);
  }
  expectField("the size of the runtime data", runtimeSize, layout.HCL_RUNTIME_HEADER_SIZE + claimsSize);
  return claimsSize;
}

function expectField(what: string, received: number, expected: number): void {
  if (received === expected) return;
  throw malformed(`${expected} for ${what} in the paravisor's blob`, received);
}

function malformed(expected: string, received: number | string): Fault {
  return new Fault("evidence/malformed", `expected ${expected}, received ${received}`);
}
