/** What do AMD's bulletins ask of firmware, and how sure is each figure? Dated data that admins sign: canonical JSON in DSSE. */
import { equalBytes, hexOf } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { hasShape, integer, isJsonObject, list, object, oneOf, optional, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Instant, parseInstant } from "../base/time.ts";
import type { Admin } from "./admins.ts";
import { peopleOf } from "./roster.ts";
import { openDsse, payloadIn, signDsse } from "./signatures.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

const TYPE = "application/vnd.ostiary.advisory.v1+json";

/** How sure something is, the surest first: AMD says so; it follows from code that AMD or Linux publishes; somebody else says so. */
export const GRADES = ["vendor-stated", "derived", "reported"] as const;
export type Grade = (typeof GRADES)[number];

/** The least level of one component on one silicon line. */
export type Figure = {
  readonly line: string;
  readonly component: string;
  readonly least: number;
  readonly sure: Grade;
  readonly source: string;
};

/** What a bulletin asks that no level of a component says: for people, and judged by nothing. */
export type Remark = {
  readonly lines: readonly string[];
  readonly says: string;
  readonly sure: Grade;
  readonly source: string;
};

export type Bulletin = {
  /** `AMD-SB-3019` */
  readonly id: string;
  readonly title: string;
  readonly cves: readonly string[];
  /** Absent where nobody here knows the day. */
  readonly published?: { readonly date: string; readonly sure: Grade; readonly source: string };
  readonly floors: readonly Figure[];
  readonly beyond: readonly Remark[];
};

/** A figure that the advisory before had and this one lowers or leaves out, on purpose. */
export type Withdrawn = {
  readonly bulletin: string;
  readonly line: string;
  readonly component: string;
  readonly why: string;
};

/** One edition of the data. */
export type Advisory = {
  /** From 1; a broker takes no lower one after a higher one. */
  readonly serial: number;
  /** The day that it was made on, `2026-11-30`. */
  readonly issued: string;
  readonly bulletins: readonly Bulletin[];
  readonly withdrawn: readonly Withdrawn[];
};

/** What DSSE's envelope adds to it, in base64url, fits into the body of a request as well. */
const MAX_BYTES = 150_000;
const MAX_BULLETINS = 256;

const DATE = text(/^\d{4}-\d{2}-\d{2}$/);
const SENTENCE = text(/^[^\p{Cc}\p{Cf}]{1,500}$/u);
const SOURCE = text(/^[^\p{Cc}\p{Cf}]{1,200}$/u);
const ID = text(/^AMD-SB-\d{4}$/);
const SURE = oneOf(...GRADES);
const LINE = oneOf(...SNP_VOCABULARY.products.flatMap(({ silicon }) => silicon));
const COMPONENT = oneOf(...SNP_VOCABULARY.components.map(({ name }) => name));

const FIGURE = { line: LINE, component: COMPONENT, least: integer(1, 255), sure: SURE, source: SOURCE };
const REMARK = { lines: list(LINE, 1, 16), says: SENTENCE, sure: SURE, source: SOURCE };
const BULLETIN = {
  id: ID,
  title: text(/^[^\p{Cc}\p{Cf}]{1,100}$/u),
  cves: list(text(/^CVE-\d{4}-\d{4,7}$/), 0, 64),
  published: optional(object({ date: DATE, sure: SURE, source: SOURCE })),
  floors: list(object(FIGURE), 0, 64),
  beyond: list(object(REMARK), 0, 32),
};
const ADVISORY = {
  serial: integer(1, Number.MAX_SAFE_INTEGER),
  issued: DATE,
  bulletins: list(object(BULLETIN), 1, MAX_BULLETINS),
  withdrawn: list(object({ bulletin: ID, line: LINE, component: COMPONENT, why: SENTENCE }), 0, 1024),
};

function isAdvisory(value: JsonObject): value is Advisory {
  return hasShape(value, ADVISORY);
}

/**
 * Reads the data as it lies in a file, before anybody signs it: any layout of JSON, `v` and these members and no others.
 *
 * @throws {@link Fault} `advisory/malformed`; `request/too-large`.
 */
export function parseAdvisorySource(bytes: Uint8Array): Advisory {
  const limits = { maxBytes: MAX_BYTES, maxDepth: 7, code: "advisory/malformed" } as const;
  const value = parseStrictJson(bytes, limits);
  const { v: version, ...advisory } = isJsonObject(value) ? value : {};
  if (version !== 1 || !isAdvisory(advisory)) {
    throw malformed(
      "v 1, serial, issued, bulletins and withdrawn, with lines and components of the vocabulary, levels of 1 to 255, and how sure each figure is",
    );
  }
  refuseContradictions(advisory);
  return advisory;
}

/** What each member alone may be and all of them together may not. */
function refuseContradictions({ issued, bulletins, withdrawn }: Advisory): void {
  const day = dayOf(issued);
  if (day === undefined) throw malformed("`issued` as a day that there is");
  refuseTwice(
    bulletins.map(({ id }) => id),
    "each bulletin once",
  );
  refuseTwice(
    withdrawn.map((one) => figureKey(one.bulletin, one)),
    "each withdrawn figure once",
  );
  for (const { id, cves, published, floors } of bulletins) {
    const from = published === undefined ? day : dayOf(published.date);
    if (from === undefined || from > day) throw malformed(`${id} to be published on a day before \`issued\``);
    refuseTwice(cves, `each CVE of ${id} once`);
    refuseTwice(
      floors.map((one) => figureKey(id, one)),
      `one figure for each line and component of ${id}`,
    );
    const odd = floors.find(({ line, component }) => !componentsOf(line).includes(component));
    if (odd !== undefined)
      throw malformed(`a component that ${odd.line} has, received ${odd.component} in ${id}`);
  }
}

function refuseTwice(names: readonly string[], expected: string): void {
  if (new Set(names).size < names.length) throw malformed(expected);
}

/** Which figure of which bulletin. */
export function figureKey(bulletin: string, { line, component }: Pick<Figure, "line" | "component">): string {
  return `${bulletin} ${line} ${component}`;
}

/** The components of a line's TCB version, in their order. */
export function componentsOf(line: string): readonly string[] {
  return SNP_VOCABULARY.products.find(({ silicon }) => silicon.includes(line))?.components ?? [];
}

/** The first moment of a day; `undefined` where there is no such day. */
export function dayOf(date: string): Instant | undefined {
  return parseInstant(`${date}T00:00:00Z`);
}

// ── signatures ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Signs an advisory. Others add their signatures to the envelope. It names no broker: it is true of AMD's processors everywhere. */
export function signAdvisory(advisory: Advisory, signer: Signer): Promise<string> {
  return signDsse(TYPE, encodeAdvisory(advisory), signer);
}

/** The canonical JSON that is signed. */
export function encodeAdvisory({ serial, issued, bulletins, withdrawn }: Advisory): Uint8Array {
  return canonicalJsonBytes({ v: 1, serial, issued, bulletins: [...bulletins], withdrawn: [...withdrawn] });
}

/** What an envelope says, whoever signed it: to be shown to people. @throws {@link Fault} `advisory/bad-signature`, `advisory/malformed`. */
export function advisoryIn(envelope: string): Advisory {
  return parsePayload(asAdvisory(() => payloadIn(envelope, TYPE)));
}

/** An advisory that enough people signed. */
export interface SignedAdvisory {
  readonly advisory: Advisory;
  /** SHA-256 of what was signed, lower-case hex, whoever signed it. */
  readonly digest: string;
  /** Names of the keys. */
  readonly signedBy: readonly string[];
}

/**
 * Opens an advisory. People count, not keys, and only those who may sign one now: what somebody signed who was removed since counts for
 * nothing, here as everywhere.
 *
 * @param envelope - JSON text, attacker-controlled, in the database too.
 * @throws {@link Fault} `advisory/bad-signature`, `advisory/malformed`.
 */
export async function openAdvisory(
  envelope: string,
  { signers, threshold }: { readonly signers: readonly Admin[]; readonly threshold: number },
  primitives: Pick<Primitives, "verify" | "digest">,
): Promise<SignedAdvisory> {
  const opened = await asAdvisoryAsync(openDsse(envelope, { payloadType: TYPE, keys: signers }, primitives));
  const people = peopleOf(signers.filter(({ kid }) => opened.signedBy.includes(kid)));
  if (people.length < threshold) {
    throw badSignature(`expected the signatures of ${threshold} operators, received ${people.length}`);
  }
  return {
    advisory: parsePayload(opened.payload),
    digest: hexOf(primitives.digest("sha256", opened.payload)),
    signedBy: opened.signedBy,
  };
}

/** Who may sign one: it moves no secret, and what it says of firmware reaches policy only by a change that others review. */
export function advisorySigners({ admins }: { readonly admins: readonly Admin[] }): readonly Admin[] {
  return admins.filter(({ roles, under }) => roles.includes("operator") && under.length === 0);
}

/** Canonical, so that one advisory has one digest. */
function parsePayload(payload: Uint8Array): Advisory {
  const advisory = parseAdvisorySource(payload);
  if (equalBytes(encodeAdvisory(advisory), payload)) return advisory;
  throw malformed("canonical JSON");
}

function asAdvisory<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw told(thrown);
  }
}

async function asAdvisoryAsync<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (thrown) {
    throw told(thrown);
  }
}

/** What DSSE says of a bundle, said of an advisory. */
function told(thrown: unknown): unknown {
  return isFault(thrown) && thrown.code === "policy/bad-signature" ? badSignature(thrown.message) : thrown;
}

function badSignature(expected: string): Fault {
  return new Fault("advisory/bad-signature", `advisory: ${expected}`);
}

function malformed(expected: string): Fault {
  return new Fault("advisory/malformed", `advisory: expected ${expected}`);
}
