/** What does verified evidence say, in the words of a policy? A table from field to reading, walked once per decision. */
import type { EvidenceFormat } from "../attestation/evidence.ts";
import type { FirmwareVersion, Report } from "../attestation/snp/report.ts";
import { isSameTcb, type TcbVersion } from "../attestation/snp/tcb.ts";
import type { Verification } from "../attestation/verify.ts";
import { hexOf, isZero } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import { APPROVALS_KEY } from "../writ/approval-groups.ts";
import type { Facts, FactValue, TcbFact, VersionFact } from "../writ/facts.ts";
import { type GuestPosture, POSTURE_READINGS } from "./guest-posture.ts";

/** What the broker itself saw of the exchange; but for the posture, none of it comes from the request's body. */
export interface FactContext {
  /** The broker's clock, read once per decision. */
  readonly now: Instant;
  /** In normal form (WRIT section 5.2). */
  readonly resource: string;
  readonly op: "release" | "unwrap" | "derive" | "write";
  readonly channel: "application" | "ra-tls" | "tls-exporter" | "kbs";
  readonly nonceAgeMs: number;
  /** 1 + decisions on this `report.id` and resource in the last hour. */
  readonly attempt: number;
  /** Peer address: forwarded headers only from configured proxies. */
  readonly source: string;
  readonly region: string;
  readonly environment: string;
  /** Whether the broker's root key is in sealed or hardware storage. */
  readonly isKekSealed: boolean;
  /** How long ago the evidence was judged, where that was for an earlier decision: never 0 then. */
  readonly heldMs?: number;
  /** How many people of each group approved this very request; absent where none did. */
  readonly approvals?: ReadonlyMap<string, number>;
  /** What the guest says of itself, inside the claims of its evidence. */
  readonly posture?: GuestPosture;
}

/** A field and how it is read; `undefined` leaves it absent. */
export type Reading<From> = readonly [field: string, read: (from: From) => FactValue | undefined];

/**
 * Reads every field that evidence and its exchange decide (WRIT section 6). Fields whose source is not there (a vTPM's quote,
 * client certificates) are absent.
 *
 * @param verification - Of genuine evidence; whether it is bound is the caller's business.
 * @param vcpus - Measurement → vCPU count, by the reference values of a bundle.
 */
export function factsOf(
  verification: Verification,
  context: FactContext,
  vcpus: ReadonlyMap<string, number> = new Map(),
): Facts {
  const facts = new Map<string, FactValue>();
  putAll(facts, REPORT_READINGS, verification.evidence.report);
  putAll(facts, EVIDENCE_READINGS, verification);
  putAll(facts, TIMED_READINGS, { verification, now: context.now });
  putAll(facts, CONTEXT_READINGS, context);
  if (context.posture !== undefined) putAll(facts, POSTURE_READINGS, context.posture);
  for (const [group, people] of context.approvals ?? []) facts.set(`${APPROVALS_KEY}${group}`, people);
  const count = vcpus.get(String(facts.get("measurement")));
  if (count !== undefined) facts.set("vm.vcpus", count);
  return facts;
}

/** How long a guest's facts have been known, and what the broker sees of the exchange now. */
export type UseContext = FactContext & Required<Pick<FactContext, "heldMs">>;

/**
 * The facts of an earlier decision as they are now: what the exchange decides is of this one, and what ages has aged. The
 * channel is still the one over which the guest was attested, and the posture the one of its evidence.
 */
export function factsAgain(held: Facts, context: UseContext, vcpus?: ReadonlyMap<string, number>): Facts {
  const facts = new Map(held);
  putAll(facts, CONTEXT_READINGS, context);
  for (const [field, sign] of AGEING) {
    const then = held.get(field);
    if (typeof then === "number") facts.set(field, Math.max(0, then + sign * context.heldMs));
  }
  // INVARIANT: an approval is for one request; whoever holds a token of that decision holds no approval.
  for (const field of held.keys()) if (field.startsWith(APPROVALS_KEY)) facts.delete(field);
  label(facts, vcpus);
  return facts;
}

/** The same facts under another bundle. */
export function relabelled(facts: Facts, vcpus?: ReadonlyMap<string, number>): Facts {
  const anew = new Map(facts);
  label(anew, vcpus);
  return anew;
}

/** The number of vCPUs is the label of a reference value: each bundle has its own. */
function label(facts: Map<string, FactValue>, vcpus: ReadonlyMap<string, number> = new Map()): void {
  const count = vcpus.get(String(facts.get("measurement")));
  if (count === undefined) facts.delete("vm.vcpus");
  else facts.set("vm.vcpus", count);
}

const AGEING = [
  ["endorsement.crl_age", 1],
  ["endorsement.not_after_in", -1],
  ["posture.age", 1],
  ["posture.uptime", 1],
] as const;

/** Adds what is there of a table's fields. */
export function putAll<From>(
  facts: Map<string, FactValue>,
  readings: readonly Reading<From>[],
  from: From,
): void {
  for (const [field, read] of readings) {
    const value = read(from);
    if (value !== undefined) facts.set(field, value);
  }
}

/** What the report decides by itself. */
export const REPORT_READINGS: readonly Reading<Report>[] = [
  ["report.version", (report) => String(report.version)],
  ["report.id", (report) => hexOf(report.reportId)],
  ["report.id_ma", (report) => hexOf(report.reportIdMa)],
  ["report.chip_masked", (report) => isZero(report.chipId)],
  ["report.chip_id", (report) => hexUnlessZero(report.chipId)],
  ["measurement", (report) => hexOf(report.measurement)],
  ["host_data", (report) => hexOf(report.hostData)],
  ["vmpl", (report) => report.vmpl],
  ["id_block.guest_svn", (report) => report.guestSvn],
  ["id_block.family_id", (report) => hexOf(report.familyId)],
  ["id_block.image_id", (report) => hexOf(report.imageId)],
  ["id_block.id_key", (report) => hexUnlessZero(report.idKeyDigest)],
  // AUTHOR_KEY_DIGEST means something only where SIGNER_INFO says so (snp.md section 6).
  [
    "id_block.author_key",
    (report) => (report.isAuthorKeyEnabled ? hexOf(report.authorKeyDigest) : undefined),
  ],
  ["guest.abi", ({ guestPolicy }) => [guestPolicy.abiMajor, guestPolicy.abiMinor, 0]],
  ["guest.smt", ({ guestPolicy }) => guestPolicy.smt],
  ["guest.migrate_ma", ({ guestPolicy }) => guestPolicy.migrateMa],
  ["guest.debug", ({ guestPolicy }) => guestPolicy.debug],
  ["guest.single_socket", ({ guestPolicy }) => guestPolicy.singleSocket],
  ["guest.cxl", ({ guestPolicy }) => guestPolicy.cxl],
  ["guest.aes256_xts", ({ guestPolicy }) => guestPolicy.aes256Xts],
  ["guest.rapl_disabled", ({ guestPolicy }) => guestPolicy.raplDisabled],
  ["guest.ciphertext_hiding", ({ guestPolicy }) => guestPolicy.ciphertextHiding],
  ["guest.page_swap_disabled", ({ guestPolicy }) => guestPolicy.pageSwapDisabled],
  ["guest.unknown_bits", ({ guestPolicy }) => guestPolicy.hasUnknownBits],
  ["host.smt", ({ platformInfo }) => platformInfo.smt],
  ["host.tsme", ({ platformInfo }) => platformInfo.tsme],
  ["host.ecc", ({ platformInfo }) => platformInfo.ecc],
  ["host.rapl_disabled", ({ platformInfo }) => platformInfo.raplDisabled],
  ["host.ciphertext_hiding", ({ platformInfo }) => platformInfo.ciphertextHiding],
  ["host.alias_check", ({ platformInfo }) => platformInfo.aliasCheck],
  ["host.iommu_write_safe", ({ platformInfo }) => platformInfo.iommuWriteSafe],
  ["host.tio", ({ platformInfo }) => platformInfo.tio],
  ["host.unknown_bits", ({ platformInfo }) => platformInfo.hasUnknownBits],
  ["tcb.current", (report) => tcbFact(report.currentTcb)],
  ["tcb.reported", (report) => tcbFact(report.reportedTcb)],
  ["tcb.committed", (report) => tcbFact(report.committedTcb)],
  ["tcb.launch", (report) => tcbFact(report.launchTcb)],
  ["firmware.version", ({ currentVersion }) => versionFact(currentVersion)],
  ["firmware.committed_version", ({ committedVersion }) => versionFact(committedVersion)],
  ["firmware.provisional", isProvisional],
  ["cpu.family", ({ cpuid }) => cpuid?.family],
  ["cpu.model", ({ cpuid }) => cpuid?.model],
  ["cpu.stepping", ({ cpuid }) => cpuid?.stepping],
  ["mitigations.launch", (report) => report.launchMitigations],
  ["mitigations.current", (report) => report.currentMitigations],
  ["endorsement.kind", (report) => report.signingKey],
];

/** An operating system may set these two back to zero and make them what it likes: they say nothing, so no policy sees them. */
const RESETTABLE_PCRS: readonly number[] = [16, 23];
const READ_PCRS = Array.from({ length: 24 }, (_, pcr) => pcr).filter((pcr) => !RESETTABLE_PCRS.includes(pcr));

/** A guest under an SVSM names the locality of its commands itself, and from a higher one these can be set back. */
const LOCALITY_PCRS: readonly number[] = [17, 18, 19, 20, 21, 22];

/** The registers of a vTPM inside of the TEE, without those that the guest of such evidence may make what it likes. */
export function tellingPcrs(
  format: EvidenceFormat,
  pcrs: readonly Uint8Array[] | undefined,
): readonly (Uint8Array | undefined)[] | undefined {
  if (format !== "svsm") return pcrs;
  return pcrs?.map((value, pcr) => (LOCALITY_PCRS.includes(pcr) ? undefined : value));
}

/** What the evidence and its certificates decide, whenever they are looked at. */
export const EVIDENCE_READINGS: readonly Reading<Verification>[] = [
  ["product", ({ product }) => product],
  ["silicon", ({ silicon }) => silicon],
  ["endorsement.csp", ({ endorsement }) => providerOf(endorsement.cspId)],
  ["endorsement.csp_id", ({ endorsement }) => endorsement.cspId],
  ["endorsement.tcb", ({ endorsement }) => tcbFact(endorsement.tcb)],
  ["evidence.format", ({ evidence }) => evidence.kind],
  ...pcrReadings("vtpm", ({ vtpm, evidence }: Verification) => tellingPcrs(evidence.kind, vtpm?.pcrs)),
  ["vtpm.secure_boot", ({ vtpm }) => vtpm?.isSecureBoot],
  ...pcrReadings("host_vtpm", ({ hostVtpm }: Verification) => hostVtpm?.pcrs),
  ["uefi.endorsed_by", ({ firmware }) => firmware?.provider],
  ["uefi.svn", ({ firmware }) => firmware?.svn],
  ["uefi.digest", ({ firmware }) => firmware && hexOf(firmware.uefiDigest)],
];

/**
 * The registers of a vTPM. One that runs inside of the TEE (`vtpm`) and one that a provider's host runs (`host_vtpm`) never share
 * a name, so that no policy takes the provider's word for AMD's.
 */
export function pcrReadings<From>(
  kind: "vtpm" | "host_vtpm",
  read: (from: From) => readonly (Uint8Array | undefined)[] | undefined,
): readonly Reading<From>[] {
  return READ_PCRS.map((pcr) => [
    `${kind}.pcr[${pcr}]`,
    (from) => {
      const value = read(from)?.[pcr];
      return value === undefined ? undefined : hexOf(value);
    },
  ]);
}

const TIMED_READINGS: readonly Reading<{ readonly verification: Verification; readonly now: Instant }>[] = [
  ["endorsement.crl_age", ({ verification, now }) => msBetween(verification.revocation?.obtainedAt, now)],
  ["endorsement.not_after_in", ({ verification, now }) => msBetween(now, verification.endorsement.notAfter)],
];

const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const SECONDS_PER_DAY = 86_400;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_EPOCH = 4;

const CONTEXT_READINGS: readonly Reading<FactContext>[] = [
  ["evidence.age", ({ heldMs = 0 }) => heldMs],
  ["request.resource", ({ resource }) => resource],
  ["request.op", ({ op }) => op],
  ["request.channel", ({ channel }) => channel],
  ["request.nonce_age", ({ nonceAgeMs }) => nonceAgeMs],
  ["request.attempt", ({ attempt }) => attempt],
  ["request.source", ({ source }) => source],
  ["now", ({ now }) => now],
  ["now.weekday", ({ now }) => WEEKDAYS[(Math.floor(now / SECONDS_PER_DAY) + WEEKDAY_OF_EPOCH) % 7]],
  ["now.hour", ({ now }) => Math.floor((now % SECONDS_PER_DAY) / 3600)],
  ["broker.region", ({ region }) => region],
  ["broker.environment", ({ environment }) => environment],
  ["broker.sealed", ({ isKekSealed }) => isKekSealed],
];

/** What every exchange has of its own; the channel is the guest's, for as long as its token lives. */
export const EXCHANGE_FIELDS: ReadonlySet<string> = new Set(
  CONTEXT_READINGS.map(([field]) => field).filter((field) => field !== "request.channel"),
);

/** Providers by the CSP id that AMD writes into a VLEK. Closed: an unknown id is no provider. */
const PROVIDERS = [{ name: "aws", id: /^CN=cc-[a-z0-9]+(?:-[a-z0-9]+)*\.amazonaws\.com$/ }] as const;

function providerOf(cspId: string | undefined): string | undefined {
  return cspId === undefined ? undefined : PROVIDERS.find(({ id }) => id.test(cspId))?.name;
}

function hexUnlessZero(bytes: Uint8Array): string | undefined {
  return isZero(bytes) ? undefined : hexOf(bytes);
}

function tcbFact({ fmc, bootloader, tee, snp, microcode }: TcbVersion): TcbFact {
  return fmc === undefined ? { bootloader, tee, snp, microcode } : { fmc, bootloader, tee, snp, microcode };
}

function versionFact({ major, minor, build }: FirmwareVersion): VersionFact {
  return [major, minor, build];
}

function isProvisional({ currentTcb, committedTcb, currentVersion, committedVersion }: Report): boolean {
  const isSameVersion =
    currentVersion.major === committedVersion.major &&
    currentVersion.minor === committedVersion.minor &&
    currentVersion.build === committedVersion.build;
  return !isSameVersion || !isSameTcb(currentTcb, committedTcb);
}

/** Never negative: a clock that was set back makes nothing younger than new. */
function msBetween(from: Instant | undefined, to: Instant): number | undefined {
  return from === undefined ? undefined : Math.max(0, to - from) * 1000;
}
