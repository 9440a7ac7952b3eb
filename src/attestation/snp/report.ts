/** What does an SEV-SNP attestation report say? Every field, strictly (AMD 56860, ATTESTATION_REPORT). */
import { isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { type GuestPolicy, parseGuestPolicy } from "./guest-policy.ts";
import { REPORT_FIELDS, REPORT_SIZE, type ReportField, ZERO_RANGES } from "./layout.ts";
import { type PlatformInfo, parsePlatformInfo } from "./platform-info.ts";
import { type CpuId, productOf, tcbLayoutOf } from "./product.ts";
import { isUnsigned, signatureOf } from "./signature.ts";
import { parseTcb, type TcbVersion } from "./tcb.ts";

export interface FirmwareVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export type ReportVersion = 2 | 3 | 4 | 5;

/** Fields under the ABI's names. */
export interface Report {
  readonly version: ReportVersion;
  readonly guestSvn: number;
  readonly policy: bigint;
  readonly guestPolicy: GuestPolicy;
  readonly familyId: Uint8Array;
  readonly imageId: Uint8Array;
  readonly vmpl: number;
  readonly currentTcb: TcbVersion;
  readonly platformInfoBits: bigint;
  readonly platformInfo: PlatformInfo;
  readonly signingKey: "vcek" | "vlek";
  readonly isAuthorKeyEnabled: boolean;
  readonly reportData: Uint8Array;
  readonly measurement: Uint8Array;
  readonly hostData: Uint8Array;
  readonly idKeyDigest: Uint8Array;
  readonly authorKeyDigest: Uint8Array;
  readonly reportId: Uint8Array;
  readonly reportIdMa: Uint8Array;
  readonly reportedTcb: TcbVersion;
  /** Reports of version 3 and later. */
  readonly cpuid?: CpuId;
  /** 64 bytes; all zero where it is masked, and under a VLEK. On Turin 8 bytes and zeros. */
  readonly chipId: Uint8Array;
  readonly committedTcb: TcbVersion;
  readonly currentVersion: FirmwareVersion;
  readonly committedVersion: FirmwareVersion;
  readonly launchTcb: TcbVersion;
  /** Reports of version 5. */
  readonly launchMitigations?: bigint;
  readonly currentMitigations?: bigint;
}

/**
 * Parses an attestation report: rows 1 to 7 of the order of checks, pure and cheap, before any network.
 *
 * Strict: a byte that the version leaves zero and is set is refused, so a report of newer firmware fails here and is not half
 * understood. Unknown POLICY and PLATFORM_INFO bits are kept, as facts. Looks neither at the signature's value nor at policy.
 *
 * @param bytes - Exactly 1184 (0x4A0) bytes, little-endian, without the MSG_REPORT_RSP header. Copied.
 * @returns Every field; 64-bit fields as `bigint`, TCB versions unpacked by the signed CPUID, never by a certificate.
 * @throws {@link Fault} `evidence/malformed`, `evidence/unknown-version`, `evidence/reserved-bits`, `evidence/unsigned`,
 *   `evidence/unknown-algorithm`, `evidence/host-requested`, `evidence/unknown-product`.
 * @see AMD 56860 "SEV-SNP Firmware ABI", rev. 1.58, ATTESTATION_REPORT Structure
 */
export function parseReport(bytes: Uint8Array): Report {
  if (bytes.length !== REPORT_SIZE) {
    throw new Fault(
      "evidence/malformed",
      `expected a report of ${REPORT_SIZE} bytes, received ${bytes.length}`,
      {
        expected: REPORT_SIZE,
        received: bytes.length,
      },
    );
  }
  const version = versionOf(bytes);
  refuseReserved(bytes, version);
  const signer = signerOf(bytes);
  refuseForeignAlgorithm(bytes);
  const vmpl = vmplOf(bytes);
  const cpuid = version >= 3 ? cpuidOf(bytes) : undefined;
  refuseUnknownProduct(cpuid);
  const policy = uint64(bytes, "policy");
  const platformInfoBits = uint64(bytes, "platformInfo");
  return {
    version,
    guestSvn: uint32(bytes, "guestSvn"),
    policy,
    guestPolicy: parseGuestPolicy(policy),
    ...identitiesOf(bytes),
    vmpl,
    platformInfoBits,
    platformInfo: parsePlatformInfo(platformInfoBits, version),
    ...signer,
    ...(cpuid === undefined ? {} : { cpuid }),
    ...tcbsOf(bytes, cpuid),
    currentVersion: firmwareOf(bytes, "currentVersion"),
    committedVersion: firmwareOf(bytes, "committedVersion"),
    ...(version === 5 ? mitigationsOf(bytes) : {}),
  };
}

function versionOf(bytes: Uint8Array): ReportVersion {
  const version = uint32(bytes, "version");
  if (version === 2 || version === 3 || version === 4 || version === 5) return version;
  throw new Fault("evidence/unknown-version", `expected report version 2, 3, 4 or 5, received ${version}`, {
    received: version,
  });
}

function refuseReserved(bytes: Uint8Array, version: ReportVersion): void {
  for (const [from, to] of ZERO_RANGES[version]) {
    if (!isZero(bytes.subarray(from, to)))
      throw reserved(`bytes 0x${from.toString(16)} to 0x${(to - 1).toString(16)}`);
  }
  if (uint32(bytes, "signerInfo") >>> 5 !== 0) throw reserved("bits 31:5 of SIGNER_INFO");
}

function reserved(where: string): Fault {
  return new Fault("evidence/reserved-bits", `expected zero in ${where}`, { where });
}

/** SIGNER_INFO: bit 0 AUTHOR_KEY_EN, bit 1 MASK_CHIP_KEY, bits 4:2 SIGNING_KEY. */
function signerOf(bytes: Uint8Array): Pick<Report, "signingKey" | "isAuthorKeyEnabled"> {
  const bits = uint32(bytes, "signerInfo");
  const key = (bits >>> 2) & 7;
  if ((bits & 2) !== 0 || isUnsigned(signatureOf(bytes))) {
    throw new Fault("evidence/unsigned", "expected a signed report, the firmware was told not to sign");
  }
  if (key !== 0 && key !== 1) {
    throw new Fault("evidence/unsigned", `expected SIGNING_KEY 0 (VCEK) or 1 (VLEK), received ${key}`, {
      received: key,
    });
  }
  return { signingKey: key === 0 ? "vcek" : "vlek", isAuthorKeyEnabled: (bits & 1) !== 0 };
}

function refuseForeignAlgorithm(bytes: Uint8Array): void {
  const algorithm = uint32(bytes, "signatureAlgo");
  if (algorithm !== 1) {
    throw new Fault(
      "evidence/unknown-algorithm",
      `expected algorithm 1 (ECDSA P-384, SHA-384), received ${algorithm}`,
    );
  }
}

function vmplOf(bytes: Uint8Array): number {
  const vmpl = uint32(bytes, "vmpl");
  if (vmpl <= 3) return vmpl;
  if (vmpl === 0xffffffff) {
    throw new Fault(
      "evidence/host-requested",
      "expected a report asked for by the guest, received one asked for by the host",
    );
  }
  throw new Fault("evidence/malformed", `expected VMPL 0 to 3, received ${vmpl}`, { received: vmpl });
}

function cpuidOf(bytes: Uint8Array): CpuId {
  const at = (name: ReportField): number => bytes[REPORT_FIELDS[name].at] ?? 0;
  return { family: at("cpuFamily"), model: at("cpuModel"), stepping: at("cpuStepping") };
}

function refuseUnknownProduct(cpuid: CpuId | undefined): void {
  if (cpuid === undefined || productOf(cpuid) !== undefined) return;
  const { family, model, stepping } = cpuid;
  const received = [family, model, stepping].map((part) => `0x${part.toString(16)}`).join("/");
  throw new Fault(
    "evidence/unknown-product",
    `expected a known CPUID family and model, received ${received}`,
    { received },
  );
}

function identitiesOf(bytes: Uint8Array) {
  return {
    familyId: fieldOf(bytes, "familyId"),
    imageId: fieldOf(bytes, "imageId"),
    reportData: fieldOf(bytes, "reportData"),
    measurement: fieldOf(bytes, "measurement"),
    hostData: fieldOf(bytes, "hostData"),
    idKeyDigest: fieldOf(bytes, "idKeyDigest"),
    authorKeyDigest: fieldOf(bytes, "authorKeyDigest"),
    reportId: fieldOf(bytes, "reportId"),
    reportIdMa: fieldOf(bytes, "reportIdMa"),
    chipId: fieldOf(bytes, "chipId"),
  };
}

function tcbsOf(bytes: Uint8Array, cpuid: CpuId | undefined) {
  const layout = tcbLayoutOf(cpuid);
  return {
    currentTcb: parseTcb(fieldOf(bytes, "currentTcb"), layout),
    reportedTcb: parseTcb(fieldOf(bytes, "reportedTcb"), layout),
    committedTcb: parseTcb(fieldOf(bytes, "committedTcb"), layout),
    launchTcb: parseTcb(fieldOf(bytes, "launchTcb"), layout),
  };
}

/** Build, minor, major, in this order. */
function firmwareOf(bytes: Uint8Array, name: ReportField): FirmwareVersion {
  const [build = 0, minor = 0, major = 0] = fieldOf(bytes, name);
  return { major, minor, build };
}

function mitigationsOf(bytes: Uint8Array) {
  return {
    launchMitigations: uint64(bytes, "launchMitigations"),
    currentMitigations: uint64(bytes, "currentMitigations"),
  };
}

function fieldOf(bytes: Uint8Array, name: ReportField): Uint8Array {
  const { at, size } = REPORT_FIELDS[name];
  return bytes.slice(at, at + size);
}

function uint32(bytes: Uint8Array, name: ReportField): number {
  return Number(uint64(bytes, name));
}

function uint64(bytes: Uint8Array, name: ReportField): bigint {
  return fieldOf(bytes, name).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
