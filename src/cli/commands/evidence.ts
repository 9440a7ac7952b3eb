/** `ostiary evidence show|verify FILE`: what SEV-SNP evidence says, and whether it is genuine. No broker is needed. */
import type { Endorsements } from "../../attestation/endorsement/chain.ts";
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import {
  type ProviderAuthorities,
  providerAuthorities,
} from "../../attestation/endorsement/provider-chain.ts";
import { AMD_ROOTS, simulatorRoots, type TrustAnchors } from "../../attestation/endorsement/roots.ts";
import type { ProductLine } from "../../attestation/snp/product.ts";
import type { VerifiedEvidence } from "../../attestation/verify.ts";
import { parseHex } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { formatInstant, type Instant, parseInstant } from "../../base/time.ts";
import type { EndorsementSource } from "../../broker/world.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import {
  type Assertions,
  type EvidenceFiles,
  type EvidenceOutcome,
  judgeEvidence,
} from "../evidence-appraisal.ts";
import { besideClaims, claimRows, claimsInFile } from "../evidence-claims.ts";
import { evidenceInFile, MAX_EVIDENCE_FILE_BYTES } from "../evidence-file.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary evidence show FILE [--json]        every field of a report, named and explained; verifies nothing
ostiary evidence verify FILE [options]     genuineness: signature, chain to AMD's root, revocation, certificate against report

FILE is a report (1184 bytes), a report followed by the host's certificate table, the blob of NV index 0x01400001 of a
confidential VM of Azure's, any of them in hex or base64, or JSON: the \`evidence\` of a request, or az-snp-vtpm evidence; - is
standard input.

  --endorsements FILE    certificates in PEM or DER, any mix in any order (repeatable)
  --crl FILE             a CRL that must serve (repeatable)
  --at TIME              judge as of this time, 2026-06-01T00:00:00Z
  --product LINE         milan, genoa or turin: anything else is a no
  --quote FILE           the quote object of az-snp-vtpm evidence, for a blob (JSON evidence has it in itself)
  --report-data HEX      the 64 bytes that REPORT_DATA must be
  --qualifying-data HEX  what a vTPM's quote must be over: 32 bytes in an exchange with a broker
  --service-nonce HEX    the 64 bytes that an SVSM must have been asked with
  --trust-simulator FILE the root certificate that the simulator wrote
  --google-firmware-roots FILE  who may vouch for Google's firmware, PEM; passed over where it is left out
  --host-vtpm-roots FILE who may vouch for keys of vTPMs that a host runs, PEM; passed over where it is left out
  --offline              ask nobody; otherwise AMD's key server is asked for what is missing
  --json                 the result as JSON

Exit status: 0 verified, 1 not verified, 2 misuse, 3 a file cannot be used.`;

export interface EvidenceEdges {
  readonly primitives: Primitives;
  readonly now: () => Instant;
  /** Made only when something is missing and --offline was not said. */
  readonly createSource: () => EndorsementSource;
}

export function createEvidenceCommand(edges: EvidenceEdges): Command {
  return {
    name: "evidence",
    summary: "read and verify SEV-SNP evidence, without a broker",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      if (verb === "show") return show(rest, terminal);
      if (verb === "verify") return verify(rest, edges, terminal);
      throw new Misuse("expected `show` or `verify` after `evidence`");
    },
  };
}

async function show(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    json: { type: "boolean" },
    quote: { type: "string" },
  });
  const { bytes, quote } = await filesOf(oneWord(positionals, "FILE"), values.quote, terminal);
  const found = evidenceInFile(bytes, quote);
  const [claims, beside] = [claimsInFile(found), besideClaims(found)];
  terminal.out(
    values.json === true ? `${canonicalJson({ claims, ...beside })}\n` : explained(claims, beside),
  );
  return 0;
}

async function filesOf(
  path: string,
  quotePath: string | undefined,
  terminal: Terminal,
): Promise<EvidenceFiles> {
  const bytes = await terminal.readFile(path, MAX_EVIDENCE_FILE_BYTES);
  if (quotePath === undefined) return { bytes };
  return { bytes, quote: await terminal.readFile(quotePath, MAX_EVIDENCE_FILE_BYTES) };
}

function explained(claims: JsonObject, beside: JsonObject): string {
  const more = Object.entries(beside).map(([name, value]) => [name, canonicalJson(value ?? null), ""]);
  return tableOf([...claimRows(claims), ...more]);
}

const OPTIONS = {
  endorsements: { type: "string", multiple: true },
  crl: { type: "string", multiple: true },
  at: { type: "string" },
  product: { type: "string" },
  "report-data": { type: "string" },
  "qualifying-data": { type: "string" },
  "service-nonce": { type: "string" },
  quote: { type: "string" },
  "trust-simulator": { type: "string" },
  "google-firmware-roots": { type: "string" },
  "host-vtpm-roots": { type: "string" },
  offline: { type: "boolean" },
  json: { type: "boolean" },
} as const;

async function verify(
  args: readonly string[],
  edges: EvidenceEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const path = oneWord(positionals, "FILE");
  const assertions = assertionsOf(values);
  const now = values.at === undefined ? edges.now() : timeOf(values.at);
  const roots = await rootsOf(values["trust-simulator"], edges, terminal);
  const providers = {
    firmware: await authoritiesOf(values["google-firmware-roots"], terminal),
    hostVtpm: await authoritiesOf(values["host-vtpm-roots"], terminal),
  };
  const given = await givenOf(values.endorsements ?? [], values.crl ?? [], terminal);
  const files = await filesOf(path, values.quote, terminal);
  const source = values.offline === true ? undefined : edges.createSource();
  const { primitives } = edges;
  const outcome = await judgeEvidence(files, {
    given,
    assertions,
    roots,
    providers,
    now,
    primitives,
    source,
  });
  terminal.out(values.json === true ? `${canonicalJson(resultOf(outcome))}\n` : sentenceOf(outcome));
  return outcome.verified === undefined ? 1 : 0;
}

function assertionsOf(values: Readonly<Record<string, unknown>>): Assertions {
  const product = productOf(values["product"]);
  const reportData = hexOption(values["report-data"], [64, 64], "--report-data");
  const qualifyingData = hexOption(values["qualifying-data"], [1, 64], "--qualifying-data");
  const serviceNonce = hexOption(values["service-nonce"], [64, 64], "--service-nonce");
  return {
    ...(product === undefined ? {} : { product }),
    ...(reportData === undefined ? {} : { reportData }),
    ...(qualifyingData === undefined ? {} : { qualifyingData }),
    ...(serviceNonce === undefined ? {} : { serviceNonce }),
  };
}

function productOf(word: unknown): ProductLine | undefined {
  if (word === undefined || word === "milan" || word === "genoa" || word === "turin") return word;
  throw new Misuse("expected --product milan, genoa or turin");
}

function hexOption(
  text: unknown,
  [least, most]: readonly [number, number],
  name: string,
): Uint8Array | undefined {
  if (typeof text !== "string") return undefined;
  const bytes = parseHex(text);
  if (bytes !== undefined && bytes.length >= least && bytes.length <= most) return bytes;
  throw new Misuse(`expected ${least === most ? most : `${least} to ${most}`} bytes in hex for ${name}`);
}

function timeOf(text: string): Instant {
  const at = parseInstant(text);
  if (at === undefined)
    throw new Misuse(`expected a time such as 2026-06-01T00:00:00Z for --at, received \`${text}\``);
  return at;
}

async function rootsOf(
  file: string | undefined,
  edges: EvidenceEdges,
  terminal: Terminal,
): Promise<TrustAnchors> {
  if (file === undefined) return AMD_ROOTS;
  const { certificates } = parseEndorsementFile(await terminal.readFile(file));
  return [...AMD_ROOTS, ...simulatorRoots(certificates, edges.primitives)];
}

/** @throws {@link Fault} those of {@link providerAuthorities} and {@link parseEndorsementFile}. */
async function authoritiesOf(file: string | undefined, terminal: Terminal): Promise<ProviderAuthorities> {
  if (file === undefined) return [];
  return providerAuthorities(parseEndorsementFile(await terminal.readFile(file)).certificates);
}

async function givenOf(
  endorsements: readonly string[],
  crls: readonly string[],
  terminal: Terminal,
): Promise<Endorsements> {
  const partsOf = (paths: readonly string[]) =>
    Promise.all(paths.map(async (path) => parseEndorsementFile(await terminal.readFile(path))));
  const [certificates, lists] = [await partsOf(endorsements), await partsOf(crls)];
  if (lists.some((list) => list.crls.length === 0)) {
    throw new Fault(
      "endorsement/crl-invalid",
      "expected a CRL in each file after --crl, received one without",
    );
  }
  const parts = [...certificates, ...lists];
  return {
    certificates: parts.flatMap(({ certificates }) => certificates),
    crls: parts.flatMap((part) => part.crls.map((der) => ({ der }))),
  };
}

/** The JSON of PRODUCT section 2. */
function resultOf({ found, verified, fault, warnings }: EvidenceOutcome): JsonObject {
  const revocation = verified?.revocation;
  return {
    verified: verified !== undefined,
    code: fault?.code ?? null,
    simulated: verified?.isSimulated ?? false,
    product: verified?.product ?? null,
    endorsement: endorsementOf(verified?.endorsement, found?.evidence.report.signingKey),
    revocation: {
      checked: revocation !== undefined,
      ...(revocation === undefined ? {} : { crlThisUpdate: formatInstant(revocation.thisUpdate) }),
    },
    claims: found === undefined ? {} : claimsInFile(found, verified),
    ...(found === undefined ? {} : besideClaims(found)),
    warnings,
    ...(fault === undefined ? {} : { message: fault.message, detail: { ...fault.detail } }),
  };
}

function endorsementOf(
  facts: { readonly kind: string; readonly notAfter: Instant } | undefined,
  signingKey: string | undefined,
): JsonObject | null {
  if (facts !== undefined) return { kind: facts.kind, notAfter: formatInstant(facts.notAfter) };
  return signingKey === undefined ? null : { kind: signingKey };
}

function sentenceOf({ verified, fault, warnings }: EvidenceOutcome): string {
  const notes = warnings.map((warning) => `warning: ${warning}\n`).join("");
  if (verified === undefined) {
    const facts = Object.entries(fault?.detail ?? {}).map(([name, value]) => `  ${name}: ${value}\n`);
    return `NOT VERIFIED  ${fault?.code}\n  ${fault?.message}\n${facts.join("")}${notes}`;
  }
  const { product, silicon, endorsement, revocation, isSimulated } = verified;
  const rows = [
    ["product", silicon === undefined ? product : `${product} (${silicon})`],
    ["endorsement", `${endorsement.kind.toUpperCase()} until ${formatInstant(endorsement.notAfter)}`],
    [
      "revocation",
      revocation === undefined
        ? "not checked"
        : `CRL ${revocation.number} of ${formatInstant(revocation.thisUpdate)}`,
    ],
    ...providerRows(verified),
  ];
  return `VERIFIED${isSimulated ? "  SIMULATED, not AMD's" : ""}\n${tableOf(rows)}${notes}`;
}

/** What the provider said, in words that do not pass for AMD's. */
function providerRows({ firmware, hostVtpm }: VerifiedEvidence): readonly (readonly string[])[] {
  const rows: string[][] = [];
  if (firmware !== undefined) {
    const launched = firmware.vmsas === undefined ? "an SVSM" : `${firmware.vmsas} VMSAs`;
    rows.push([
      "firmware",
      `Google's, security version ${firmware.svn}, as with ${launched}: the provider's word`,
    ]);
  }
  if (hostVtpm !== undefined) {
    rows.push(["host vTPM", `a quote for this report, boot ${hostVtpm.resetCount}: the provider's word`]);
  }
  return rows;
}
