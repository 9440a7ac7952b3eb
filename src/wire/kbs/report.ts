/** Which 1184 bytes is a report whose fields came as JSON? Those that the hardware signed, put together again. */
import * as v from "valibot";
import { REPORT_FIELDS, REPORT_SIZE, type ReportField } from "../../attestation/snp/layout.ts";
import { encodeTcb } from "../../attestation/snp/tcb.ts";
import { concatBytes } from "../../base/bytes.ts";
import { octetsField, optionField, unsignedField } from "./numbers.ts";

/**
 * A report in the JSON of the `sev` crate, as its bytes. Two forms are in use, and `key_info` tells them apart. Integers of 64 bits
 * are `bigint` where a number does not carry them, see {@link parseExactJson}.
 *
 * Exact: of any genuine report either form gives the 1184 bytes that were signed. Whether they are genuine is not looked at.
 */
export function reportField() {
  return v.lazy((input) => (isNamed(input) ? NAMED_REPORT : LAID_OUT_REPORT));
}

function isNamed(input: unknown): boolean {
  return typeof input === "object" && input !== null && Object.hasOwn(input, "key_info");
}

/** One byte that stands by itself. */
function octet() {
  return v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
}

function octets(size: number) {
  return octetsField(size, size);
}

/** A processor that has an FMC has another layout; which one this is, the signed bytes say themselves, and their parser looks. */
const TCB = v.pipe(
  v.strictObject({
    fmc: optionField(octet()),
    bootloader: octet(),
    tee: octet(),
    snp: octet(),
    microcode: octet(),
  }),
  v.transform(({ fmc, ...levels }) =>
    fmc === undefined ? encodeTcb(levels, "classic") : encodeTcb({ fmc, ...levels }, "turin"),
  ),
);

const FIRMWARE = v.pipe(
  v.strictObject({ major: octet(), minor: octet(), build: octet() }),
  v.transform(({ major, minor, build }) => Uint8Array.of(build, minor, major)),
);

/** Versions 6 to 8 of the `sev` crate: fields by name, without those that are reserved. */
const NAMED = v.strictObject({
  version: unsignedField(4),
  guest_svn: unsignedField(4),
  policy: unsignedField(8),
  family_id: octets(16),
  image_id: octets(16),
  vmpl: unsignedField(4),
  sig_algo: unsignedField(4),
  current_tcb: TCB,
  plat_info: unsignedField(8),
  key_info: unsignedField(4),
  report_data: octets(64),
  measurement: octets(48),
  host_data: octets(32),
  id_key_digest: octets(48),
  author_key_digest: octets(48),
  report_id: octets(32),
  report_id_ma: octets(32),
  reported_tcb: TCB,
  cpuid_fam_id: optionField(unsignedField(1)),
  cpuid_mod_id: optionField(unsignedField(1)),
  cpuid_step: optionField(unsignedField(1)),
  chip_id: octets(64),
  committed_tcb: TCB,
  current: FIRMWARE,
  committed: FIRMWARE,
  launch_tcb: TCB,
  launch_mit_vector: optionField(unsignedField(8)),
  current_mit_vector: optionField(unsignedField(8)),
  signature: v.strictObject({ r: octets(72), s: octets(72) }),
});

const PLACES = [
  ["version", "version"],
  ["guest_svn", "guestSvn"],
  ["policy", "policy"],
  ["family_id", "familyId"],
  ["image_id", "imageId"],
  ["vmpl", "vmpl"],
  ["sig_algo", "signatureAlgo"],
  ["current_tcb", "currentTcb"],
  ["plat_info", "platformInfo"],
  ["key_info", "signerInfo"],
  ["report_data", "reportData"],
  ["measurement", "measurement"],
  ["host_data", "hostData"],
  ["id_key_digest", "idKeyDigest"],
  ["author_key_digest", "authorKeyDigest"],
  ["report_id", "reportId"],
  ["report_id_ma", "reportIdMa"],
  ["reported_tcb", "reportedTcb"],
  ["cpuid_fam_id", "cpuFamily"],
  ["cpuid_mod_id", "cpuModel"],
  ["cpuid_step", "cpuStepping"],
  ["chip_id", "chipId"],
  ["committed_tcb", "committedTcb"],
  ["current", "currentVersion"],
  ["committed", "committedVersion"],
  ["launch_tcb", "launchTcb"],
  ["launch_mit_vector", "launchMitigations"],
  ["current_mit_vector", "currentMitigations"],
] as const satisfies readonly (readonly [keyof v.InferOutput<typeof NAMED>, ReportField])[];

/** What this form does not carry is reserved, and zero: a report that has more there is not what was signed. */
function placed(named: v.InferOutput<typeof NAMED>): Uint8Array {
  const report = new Uint8Array(REPORT_SIZE);
  const put = (bytes: Uint8Array, field: ReportField) => report.set(bytes, REPORT_FIELDS[field].at);
  for (const [name, field] of PLACES) {
    const bytes = named[name];
    if (bytes !== undefined) put(bytes, field);
  }
  put(named.signature.r, "signatureR");
  put(named.signature.s, "signatureS");
  return report;
}

const LAID_OUT_TCB = v.pipe(
  v.strictObject({
    bootloader: octet(),
    tee: octet(),
    _reserved: octets(4),
    snp: octet(),
    microcode: octet(),
  }),
  v.transform((tcb) => Uint8Array.of(tcb.bootloader, tcb.tee, ...tcb._reserved, tcb.snp, tcb.microcode)),
);

const LAID_OUT_SIGNATURE = v.pipe(
  v.strictObject({ r: octets(72), s: octets(72), _reserved: octets(368) }),
  v.transform(({ r, s, _reserved }) => concatBytes(r, s, _reserved)),
);

/** Versions 3 to 5 of the `sev` crate: what stands in memory, reserved bytes too, in the order in which it stands there. */
const LAID_OUT = v.strictObject({
  version: unsignedField(4),
  guest_svn: unsignedField(4),
  policy: unsignedField(8),
  family_id: octets(16),
  image_id: octets(16),
  vmpl: unsignedField(4),
  sig_algo: unsignedField(4),
  current_tcb: LAID_OUT_TCB,
  plat_info: unsignedField(8),
  _author_key_en: unsignedField(4),
  _reserved_0: unsignedField(4),
  report_data: octets(64),
  measurement: octets(48),
  host_data: octets(32),
  id_key_digest: octets(48),
  author_key_digest: octets(48),
  report_id: octets(32),
  report_id_ma: octets(32),
  reported_tcb: LAID_OUT_TCB,
  _reserved_1: octets(24),
  chip_id: octets(64),
  committed_tcb: LAID_OUT_TCB,
  current_build: unsignedField(1),
  current_minor: unsignedField(1),
  current_major: unsignedField(1),
  _reserved_2: unsignedField(1),
  committed_build: unsignedField(1),
  committed_minor: unsignedField(1),
  committed_major: unsignedField(1),
  _reserved_3: unsignedField(1),
  launch_tcb: LAID_OUT_TCB,
  _reserved_4: octets(168),
  signature: LAID_OUT_SIGNATURE,
});

const LAID_OUT_ORDER = Object.keys(LAID_OUT.entries);

function inOrder(fields: v.InferOutput<typeof LAID_OUT>): Uint8Array {
  const parts = new Map<string, Uint8Array>(Object.entries(fields));
  return concatBytes(...LAID_OUT_ORDER.map((name) => parts.get(name) ?? new Uint8Array(0)));
}

const NAMED_REPORT = v.pipe(NAMED, v.transform(placed));
const LAID_OUT_REPORT = v.pipe(LAID_OUT, v.transform(inOrder));
