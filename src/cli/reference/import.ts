/** `ostiary reference import`: what others say that is right to be measured, as a module in Writ for a second person to read. */
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import { providerAuthorities } from "../../attestation/endorsement/provider-chain.ts";
import { verifyLaunchEndorsement } from "../../attestation/gcp/endorsement.ts";
import type { ProductLine } from "../../attestation/snp/product.ts";
import { hexOf, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { formatInstant, type Instant, instant } from "../../base/time.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import type { Carried } from "../../reference/carried.ts";
import { type Corim, MAX_CORIM_BYTES, openCorim } from "../../reference/corim.ts";
import { MAX_AZURE_LIST_BYTES, parseAzureList } from "../../reference/from-azure.ts";
import { carryCorim } from "../../reference/from-corim.ts";
import { carryGoogle } from "../../reference/from-google.ts";
import { type Origin, referenceModule } from "../../reference/to-writ.ts";
import { compileSources } from "../../writ/compile.ts";
import { oneWord, parseArguments, wordLike } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { windowOf } from "../window.ts";
import type { ReferenceEdges } from "./edges.ts";

const OPTIONS = {
  key: { type: "string", multiple: true },
  root: { type: "string" },
  unsigned: { type: "boolean" },
  "any-instance": { type: "boolean" },
  product: { type: "string" },
  owner: { type: "string" },
  refset: { type: "string" },
  module: { type: "string" },
  "module-version": { type: "string" },
  valid: { type: "string" },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];

/** A file that is to be read, and how it is to be believed. */
interface Reading {
  readonly path: string;
  readonly values: Values;
  readonly edges: ReferenceEdges;
  readonly terminal: Terminal;
}

/** What a file says, and where that comes from. */
interface Read {
  readonly carried: Carried;
  readonly origin: Origin;
}

const READERS: ReadonlyMap<string, (reading: Reading) => Promise<Read>> = new Map([
  ["corim", readCorim],
  ["google", readGoogle],
  ["azure", readAzure],
]);
const PRODUCTS: readonly ProductLine[] = ["milan", "genoa", "turin"];
const MAX_ENDORSEMENT_BYTES = 65_536;
/** 9999-12-31T23:59:59Z. */
const MAX_MOMENT = 253_402_300_799n;

export async function importReference(
  args: readonly string[],
  edges: ReferenceEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const [kind = "", ...rest] = args;
  const read = READERS.get(kind);
  if (read === undefined)
    throw new Misuse(`expected corim, google or azure after \`import\`, received \`${kind}\``);
  const { values, positionals } = parseArguments(rest, OPTIONS);
  const words = wordsOf(values);
  const { carried, origin } = await read({ path: oneWord(positionals, "FILE"), values, edges, terminal });
  for (const note of carried.notes) terminal.err(`not carried over: ${note}\n`);
  if (carried.sets.length + carried.floors.length + carried.conditions.length === 0)
    throw new Fault("reference/nothing-carried", "expected a reference value that Writ can hold");
  const text = referenceModule(carried, words, origin);
  refuseUnsound(text, edges);
  terminal.out(text);
  return 0;
}

async function readCorim({ path, values, edges, terminal }: Reading): Promise<Read> {
  const { primitives, now } = edges;
  const paths = values.key ?? [];
  if (paths.length > 0 === (values.unsigned === true))
    throw new Misuse("expected --key PUB, whose signature counts, or --unsigned");
  if (values.root !== undefined) throw new Misuse("expected no --root with a CoRIM");
  const keys: Uint8Array[] = [];
  for (const one of paths) keys.push(await edges.readPublicKey(one, terminal)); // in order: what cannot be read is told first
  const bytes = await terminal.readFile(path, MAX_CORIM_BYTES);
  const trust = { keys: values.unsigned === true ? ("unsigned" as const) : keys, now: now(), primitives };
  const corim = await openCorim(bytes, trust);
  const product = productOf(values.product);
  const carried = carryCorim(corim, { anyInstance: values["any-instance"] === true, product });
  return { carried, origin: originOf(corim, values, edges) };
}

/** INVARIANT: of the window that is asked for and the one that the file allows, both bind. */
function originOf(corim: Corim, { valid }: Values, { now }: ReferenceEdges): Origin {
  const { id, profile, entities, validity, signature, sha256 } = corim;
  const { notBefore, notAfter } = validity;
  const asked = windowOf(valid, now());
  const begin = valid === undefined ? (notBefore ?? asked.from) : asked.from;
  const end = valid === undefined ? (notAfter ?? asked.to) : asked.to;
  const from = instant(Math.max(begin, notBefore ?? begin));
  const to = instant(Math.min(end, notAfter ?? end));
  if (from >= to) throw new Misuse("expected --valid within the dates of the file");
  const by =
    signature === undefined
      ? "signed by nobody"
      : `signed by ${signature.signer}, key sha256:${signature.key}`;
  const source = `corim ${id}, ${by}, file sha256:${sha256}`;
  const about = [
    source,
    `profile ${profile ?? "none"}, made by ${entities.join(", ") || "nobody who is named"}`,
    `valid ${momentText(notBefore)} .. ${momentText(notAfter)}`,
  ];
  return { source, about, from, to };
}

function momentText(at: Instant | undefined): string {
  return at === undefined ? "" : formatInstant(at);
}

async function readGoogle({ path, values, edges, terminal }: Reading): Promise<Read> {
  refuseOthers(values, ["key", "unsigned", "any-instance", "product"], "with an endorsement of Google's");
  const { primitives, now } = edges;
  if (values.root === undefined) throw new Misuse("expected --root FILE, Google's root for its firmware");
  const roots = parseEndorsementFile(await terminal.readFile(values.root)).certificates;
  const options = { authorities: providerAuthorities(roots), now: now(), primitives };
  const bytes = await terminal.readFile(path, MAX_ENDORSEMENT_BYTES);
  const firmware = await verifyLaunchEndorsement(bytes, options);
  const sha256 = hexOf(primitives.digest("sha256", bytes));
  const simulated = firmware.isSimulated ? ", BY A SIMULATOR" : "";
  const source = `google launch endorsement${simulated}, uefi sha384:${hexOf(firmware.uefiDigest)}, file sha256:${sha256}`;
  const about = [source, `svn ${firmware.svn}, signed at ${signedText(firmware.signedAt)}`];
  return { carried: carryGoogle(firmware), origin: { source, about, ...windowOf(values.valid, now()) } };
}

/** Google's clock, in its own words where no calendar has them. */
function signedText(seconds: bigint): string {
  return seconds <= MAX_MOMENT ? formatInstant(instant(Number(seconds))) : `${seconds}`;
}

/** Nobody signs such a list, so whoever imports it has to say that they know. */
async function readAzure({ path, values, edges, terminal }: Reading): Promise<Read> {
  refuseOthers(values, ["key", "root", "any-instance", "product"], "with a list of Azure's keys");
  if (values.unsigned !== true) throw new Misuse("expected --unsigned: nobody signs a list of Azure's keys");
  const bytes = await terminal.readFile(path, MAX_AZURE_LIST_BYTES);
  const { issuer, carried } = parseAzureList(bytes);
  const sha256 = hexOf(edges.primitives.digest("sha256", bytes));
  const source = `azure id keys by ${issuer ?? "nobody who is named"}, signed by nobody, file sha256:${sha256}`;
  return { carried, origin: { source, about: [source], ...windowOf(values.valid, edges.now()) } };
}

function refuseOthers(values: Values, names: readonly (keyof Values)[], where: string): void {
  const other = names.find((name) => values[name] !== undefined);
  if (other !== undefined) throw new Misuse(`expected no --${other} ${where}`);
}

function wordsOf({ owner, refset = "images", module = refset, "module-version": version = "1.0.0" }: Values) {
  return {
    owner: wordLike(owner, /^[^\s"\\]{3,200}$/, "--owner MAIL of who answers for these values"),
    set: wordLike(refset, /^[a-z][a-z0-9_]{0,62}$/, "--refset NAME, as a name of Writ"),
    module: wordLike(module, /^[a-z][a-z0-9_.-]{0,62}$/, "--module NAME, as a name of Writ"),
    version: wordLike(version, /^\d{1,9}\.\d{1,9}\.\d{1,9}$/, "--module-version 1.0.0"),
  };
}

function productOf(text: string | undefined): ProductLine | undefined {
  const product = PRODUCTS.find((known) => known === text);
  if (text === undefined || product !== undefined) return product;
  throw new Misuse(`expected --product as milan, genoa or turin, received \`${text}\``);
}

/** What is printed compiles: too many values for one module are told here, and not to whoever reviews it. */
function refuseUnsound(text: string, { primitives }: ReferenceEdges): void {
  const sources = [{ path: "imported.writ", text: utf8(text) }];
  const options = { vocabulary: SNP_VOCABULARY, digest: primitives.digest, files: () => undefined };
  const mistake = compileSources(sources, options).diagnostics.find(({ severity }) => severity === "error");
  if (mistake !== undefined)
    throw new Fault(
      "reference/malformed",
      `expected values that fit in one module of Writ: ${mistake.message}`,
    );
}
