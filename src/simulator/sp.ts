/** What would AMD's secure processor be in software? A chip with a key, that signs attestation reports of versions 2 to 5. */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { REPORT_FIELDS, REPORT_SIZE, type ReportField, SIGNED_SIZE } from "../attestation/snp/layout.ts";
import { type CpuId, type ProductLine, tcbLayoutOf } from "../attestation/snp/product.ts";
import { encodeTcb, type TcbVersion } from "../attestation/snp/tcb.ts";
import { u64le } from "../base/bytes.ts";
import type { LeafPlan, SimulatedRoot } from "./amd-root.ts";

/** What a guest asks for and what the firmware adds. What is not given has the vocabulary's ordinary value. */
export interface ReportPlan {
  readonly version?: number;
  readonly reportData: Uint8Array;
  readonly measurement?: Uint8Array;
  readonly reportId?: Uint8Array;
  readonly hostData?: Uint8Array;
  readonly vmpl?: number;
  readonly policy?: bigint;
  readonly platformInfo?: bigint;
  readonly signerInfo?: number;
  readonly reportedTcb?: TcbVersion;
  readonly currentTcb?: TcbVersion;
  readonly committedTcb?: TcbVersion;
  readonly launchTcb?: TcbVersion;
  /** Any field by its name, written over what the rest of the plan says. */
  readonly fields?: Partial<Readonly<Record<ReportField, Uint8Array>>>;
  /** The last word on the bytes before they are signed, and on the report after. */
  readonly patchBefore?: (report: Uint8Array) => void;
  readonly patchAfter?: (report: Uint8Array) => void;
}

export interface ChipPlan {
  readonly cpuid?: CpuId;
  /** 64 bytes; on Turin 8 bytes count. */
  readonly chipId?: Uint8Array;
  readonly tcb?: TcbVersion;
  readonly kind?: "vcek" | "vlek";
  readonly cspId?: string;
  readonly key?: KeyObject;
  readonly leaf?: Partial<LeafPlan>;
  /** What every report of this chip says, unless a report's own plan says otherwise. */
  readonly usual?: Omit<ReportPlan, "reportData">;
}

export interface SimulatedChip {
  readonly product: ProductLine;
  readonly kind: "vcek" | "vlek";
  readonly key: KeyObject;
  readonly chipId: Uint8Array;
  readonly tcb: TcbVersion;
  /** The VCEK or VLEK of this chip, in DER. */
  readonly leaf: Uint8Array;
  /** 1184 bytes. */
  readonly report: (plan: ReportPlan) => Uint8Array;
}

export interface Ordinary {
  readonly cpuid: CpuId;
  readonly tcb: TcbVersion;
  readonly version: number;
}

/** WRIT section 13: the ordinary request of each product line. */
export const ORDINARY: Readonly<Record<ProductLine, Ordinary>> = {
  milan: {
    cpuid: { family: 25, model: 1, stepping: 1 },
    tcb: { bootloader: 4, tee: 0, snp: 24, microcode: 219 },
    version: 3,
  },
  genoa: {
    cpuid: { family: 25, model: 17, stepping: 1 },
    tcb: { bootloader: 10, tee: 0, snp: 23, microcode: 84 },
    version: 3,
  },
  turin: {
    cpuid: { family: 26, model: 2, stepping: 1 },
    tcb: { fmc: 1, bootloader: 1, tee: 1, snp: 3, microcode: 75 },
    version: 5,
  },
};
const ORDINARY_FIRMWARE = Uint8Array.of(0, 55, 1);
/** SMT allowed, and the bit that must be one. */
const ORDINARY_POLICY = 0x30000n;
/** SMT, ECC and the alias check; on Turin safe IOMMU writes too. */
const ORDINARY_PLATFORM = 0x25n;
const TURIN_PLATFORM = 0x65n;
const TURIN_CHIP_ID_BYTES = 8;

/** A P-384 key, as a chip has one. */
export function generateChipKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
}

/** Makes a chip of a root's product line, with its endorsement. */
export function createSimulatedChip(root: SimulatedRoot, plan: ChipPlan = {}): SimulatedChip {
  const ordinary = ORDINARY[root.product];
  const { kind = "vcek", tcb = ordinary.tcb, key = generateChipKey(), cpuid = ordinary.cpuid } = plan;
  const isTurin = root.product === "turin";
  const given = plan.chipId ?? new Uint8Array(64).fill(3);
  const chipId = new Uint8Array(64);
  chipId.set(isTurin ? given.slice(0, TURIN_CHIP_ID_BYTES) : given);
  const hwid = isTurin ? chipId.slice(0, TURIN_CHIP_ID_BYTES) : chipId;
  const leaf =
    kind === "vcek"
      ? root.issueVcek({ key, tcb, chipId: hwid, ...plan.leaf })
      : root.issueVlek({ key, tcb, cspId: plan.cspId ?? "CN=cc-us-east-1.amazonaws.com", ...plan.leaf });
  const chip = { product: root.product, kind, key, chipId, tcb, leaf };
  return { ...chip, report: (report) => writeReport({ ...plan.usual, ...report }, { ...chip, cpuid }) };
}

function writeReport(
  plan: ReportPlan,
  chip: Omit<SimulatedChip, "report"> & { readonly cpuid: CpuId },
): Uint8Array {
  const report = new Uint8Array(REPORT_SIZE);
  for (const [name, bytes] of fieldsOf(plan, chip)) report.set(bytes, REPORT_FIELDS[name].at);
  plan.patchBefore?.(report);
  writeSignature(report, chip.key);
  plan.patchAfter?.(report);
  return report;
}

type ChipFacts = Omit<SimulatedChip, "report"> & { readonly cpuid: CpuId };
type WrittenField = readonly [ReportField, Uint8Array];

function fieldsOf(plan: ReportPlan, chip: ChipFacts): readonly WrittenField[] {
  const version = plan.version ?? ORDINARY[chip.product].version;
  const given = Object.entries(plan.fields ?? {}).map(([name, bytes]) => [nameOf(name), bytes] as const);
  return [
    ["version", uint32(version)],
    ["policy", u64le(plan.policy ?? ORDINARY_POLICY)],
    ["platformInfo", u64le(plan.platformInfo ?? platformOf(chip.product, version))],
    ["signatureAlgo", uint32(1)],
    ["signerInfo", uint32(plan.signerInfo ?? (chip.kind === "vcek" ? 0 : 4))],
    ...(version >= 3 ? cpuidFields(chip.cpuid) : []),
    ["chipId", chip.kind === "vcek" ? chip.chipId : new Uint8Array(64)],
    ["currentVersion", ORDINARY_FIRMWARE],
    ["committedVersion", ORDINARY_FIRMWARE],
    ...guestFields(plan),
    ...tcbFields(plan, chip),
    ...given,
  ];
}

function guestFields(plan: ReportPlan): readonly WrittenField[] {
  return [
    ["reportData", plan.reportData],
    ["vmpl", uint32(plan.vmpl ?? 0)],
    ["measurement", plan.measurement ?? new Uint8Array(48).fill(2)],
    ["hostData", plan.hostData ?? new Uint8Array(32)],
    ["reportId", plan.reportId ?? new Uint8Array(32).fill(1)],
    ["reportIdMa", new Uint8Array(32).fill(0xff)],
  ];
}

/** Reported, committed, launch and current are one level unless the plan says otherwise. */
function tcbFields(plan: ReportPlan, chip: ChipFacts): readonly WrittenField[] {
  const layout = tcbLayoutOf(chip.cpuid);
  const reported = plan.reportedTcb ?? chip.tcb;
  const committed = plan.committedTcb ?? reported;
  return [
    ["reportedTcb", encodeTcb(reported, layout)],
    ["committedTcb", encodeTcb(committed, layout)],
    ["launchTcb", encodeTcb(plan.launchTcb ?? committed, layout)],
    ["currentTcb", encodeTcb(plan.currentTcb ?? committed, layout)],
  ];
}

function platformOf(product: ProductLine, version: number): bigint {
  if (version < 3) return 0x5n;
  return product === "turin" && version >= 5 ? TURIN_PLATFORM : ORDINARY_PLATFORM;
}

function cpuidFields({ family, model, stepping }: CpuId): readonly WrittenField[] {
  return [
    ["cpuFamily", Uint8Array.of(family)],
    ["cpuModel", Uint8Array.of(model)],
    ["cpuStepping", Uint8Array.of(stepping)],
  ];
}

/** Little-endian r and s, each in a field of 72 bytes. */
function writeSignature(report: Uint8Array, key: KeyObject): void {
  const signature = sign("sha384", report.subarray(0, SIGNED_SIZE), { key, dsaEncoding: "ieee-p1363" });
  report.set(Uint8Array.from(signature.subarray(0, 48)).reverse(), REPORT_FIELDS.signatureR.at);
  report.set(Uint8Array.from(signature.subarray(48)).reverse(), REPORT_FIELDS.signatureS.at);
}

function nameOf(name: string): ReportField {
  const known = Object.keys(REPORT_FIELDS).find((field): field is ReportField => field === name);
  if (known === undefined) throw new Error(`a report has no field ${name}`);
  return known;
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
