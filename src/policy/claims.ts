/** What does the evidence alone decide, as JSON for people and scripts? The `claims` of PRODUCT section 2. */
import type { Evidence } from "../attestation/evidence.ts";
import { type LaunchEndorsement, parseLaunchEndorsement } from "../attestation/gcp/launch-endorsement.ts";
import { productOf, siliconOf } from "../attestation/snp/product.ts";
import type { Verification } from "../attestation/verify.ts";
import { equalBytes, hexOf } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import { formatInstant, instant } from "../base/time.ts";
import type { Facts, FactValue } from "../writ/facts.ts";
import type { FieldType } from "../writ/vocabulary.ts";
import {
  EVIDENCE_READINGS,
  pcrReadings,
  putAll,
  REPORT_READINGS,
  type Reading,
  tellingPcrs,
} from "./facts.ts";
import { FIELDS } from "./vocabulary-fields.ts";

const TYPES: ReadonlyMap<string, FieldType> = new Map(FIELDS.map(({ name, type }) => [name, type]));

/**
 * Every field of the vocabulary that the evidence decides, absent ones left out: bytes and `bits` in lower-case hex of full
 * width, integers and the report's version as numbers, versions as strings, a TCB as an object, flags as booleans.
 *
 * @param verification - Where the evidence was verified: adds what its certificates say, the line of a v2 report included.
 */
export function claimsOf(evidence: Evidence, verification?: Verification): JsonObject {
  const facts = new Map<string, FactValue>();
  putAll(facts, REPORT_READINGS, evidence.report);
  if (verification === undefined) putAll(facts, UNVERIFIED_READINGS, evidence);
  else putAll(facts, EVIDENCE_READINGS, verification);
  return Object.fromEntries(Array.from(facts, ([field, value]) => [field, claimOf(field, value)]));
}

/** Every fact that a policy saw, in the form that `writ explain` reads: durations and times with their units. */
export function factsJson(facts: Facts): JsonObject {
  return Object.fromEntries(Array.from(facts, ([field, value]) => [field, shownFact(field, value)]));
}

function shownFact(field: string, value: FactValue): JsonValue {
  if (typeof value !== "number") return claimOf(field, value);
  const kind = TYPES.get(field)?.kind;
  if (kind === "time") return formatInstant(instant(value));
  return kind === "duration" ? `${value}ms` : value;
}

/** What an endorsement says that nobody verified; what cannot be read, or is of another firmware, says nothing. */
function endorsedFirmware(evidence: Evidence): LaunchEndorsement | undefined {
  if (evidence.kind !== "raw" || evidence.launchEndorsement === undefined) return undefined;
  try {
    const endorsement = parseLaunchEndorsement(evidence.launchEndorsement);
    const { measurements, svsmMeasurement } = endorsement.snp;
    const endorsed = [...measurements.values(), ...(svsmMeasurement === undefined ? [] : [svsmMeasurement])];
    return endorsed.some((one) => equalBytes(one, evidence.report.measurement)) ? endorsement : undefined;
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
}

const FIRMWARE_READINGS: readonly Reading<Evidence>[] = [
  ["uefi.endorsed_by", (evidence) => (endorsedFirmware(evidence) === undefined ? undefined : "google")],
  ["uefi.svn", (evidence) => endorsedFirmware(evidence)?.snp.svn],
  [
    "uefi.digest",
    (evidence) => {
      const endorsement = endorsedFirmware(evidence);
      return endorsement && hexOf(endorsement.uefiDigest);
    },
  ],
];

function quotedPcrs(evidence: Evidence) {
  if (evidence.kind === "azure-hcl") return evidence.quote.pcrs;
  return evidence.kind === "svsm" ? tellingPcrs("svsm", evidence.vtpm?.quote.pcrs) : undefined;
}

/** What of the verifier's answers the evidence says by itself; a v2 report names no processor. */
const UNVERIFIED_READINGS: readonly Reading<Evidence>[] = [
  ["product", ({ report: { cpuid } }) => (cpuid === undefined ? undefined : productOf(cpuid))],
  ["silicon", ({ report: { cpuid } }) => (cpuid === undefined ? undefined : siliconOf(cpuid))],
  ["evidence.format", ({ kind }) => kind],
  ...pcrReadings("vtpm", quotedPcrs),
  ...FIRMWARE_READINGS,
  ...pcrReadings("host_vtpm", (evidence: Evidence) =>
    evidence.kind === "raw" ? evidence.hostVtpm?.quote.pcrs : undefined,
  ),
];

function claimOf(field: string, value: FactValue): JsonValue {
  if (field === "report.version") return Number(value);
  if (typeof value === "bigint") return value.toString(16).padStart(hexDigitsOf(field), "0");
  if (!isList(value)) return value;
  if (TYPES.get(field)?.kind !== "version") return value;
  // POLICY asks for an ABI by major and minor only; firmware has a build number as well.
  return (field === "guest.abi" ? value.slice(0, 2) : value).join(".");
}

function isList(
  value: Exclude<FactValue, bigint>,
): value is readonly string[] | readonly [number, number, number] {
  return Array.isArray(value);
}

function hexDigitsOf(field: string): number {
  const type = TYPES.get(field);
  return type?.kind === "bits" ? type.bits / 4 : 0;
}
