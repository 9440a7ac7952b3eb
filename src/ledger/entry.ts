/** What does one leaf of the log say, and in which bytes? The entries of PROTOCOL section 15, in RFC 8785 form. */
import { equalBytes } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import {
  hasShape,
  hex,
  integer,
  isJsonObject,
  list,
  object,
  oneOf,
  optional,
  type Shape,
  text,
} from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";

const OPERATIONS = ["release", "unwrap", "derive", "write"] as const;

/** WRIT section 10; `no-secret`: the policy allows what is not there; `wrong-binding`: what the secret itself does not; `lease-held`: another guest holds it; `other-version`: a write that expected another newest version. */
const DECISION_CODES = [
  "no-policy",
  "require-failed",
  "denied",
  "guard-failed",
  "revoked",
  "no-allow",
  "counter",
  "evidence",
  "internal",
  "no-secret",
  "wrong-binding",
  "lease-held",
  "other-version",
] as const;

/** One wanted item and what became of it. `version` is 0 where there is none. */
type DecisionItem = {
  readonly resource: string;
  readonly op: (typeof OPERATIONS)[number];
  readonly version: number;
  readonly outcome: "allow" | "deny";
};

/** What every entry begins with. */
type Common<Kind extends string, Version extends number = 1> = {
  readonly v: Version;
  /** Position in the log, from 0. */
  readonly seq: number;
  /** Unix seconds. */
  readonly time: number;
  readonly kind: Kind;
};

/** An appraisal that was committed, yes or no. Hashes and the measurement are lower-case hex. */
export type DecisionEntry = Common<"decision", 1 | 2> & {
  /** The decision id, a ULID. */
  readonly id: string;
  readonly outcome: "allow" | "deny";
  /** Null exactly when the outcome is `allow`. */
  readonly code: (typeof DECISION_CODES)[number] | null;
  readonly items: readonly DecisionItem[];
  /** Null where no bundle was live. */
  readonly policy_hash: string | null;
  readonly evidence_hash: string;
  readonly trace_hash: string;
  /** 0 for the KBS exchange, which is no binding and has no suite. */
  readonly binding: 0 | 1 | 2 | 3;
  /** 0 exactly where the binding is. */
  readonly suite: 0 | 1 | 2 | 3;
  readonly vmpl: number;
  readonly measurement: string;
  /** The CRL that spoke for the chain; `age` is seconds since it was obtained. */
  readonly crl: { readonly number: number; readonly thisUpdate: number; readonly age: number };
  /** Of version 2 alone: no evidence came with the request. The decision that judged the evidence, and how many seconds ago. */
  readonly held?: { readonly decision: string; readonly age: number };
  readonly bearer?: true;
  readonly simulated?: true;
};

/** Unwrap or seal failed after the decision with this id was committed. */
type ReleaseFailedEntry = Common<"release-failed"> & { readonly id: string };

/** An act of an admin on secrets, policy, approvals, audiences or admin keys. */
type AdminEntry = Common<"admin"> & {
  /** The `kid` of the admin key. */
  readonly actor: string;
  readonly act: string;
  readonly subject: string;
  /** SHA-256 of the new content; empty where the act makes none. */
  readonly digest: string;
};

/** A broker began: on a new database, or on a restored one. */
type EpochEntry = Common<"epoch"> & { readonly act: "start" | "restore" };

export type LedgerEntry = DecisionEntry | ReleaseFailedEntry | AdminEntry | EpochEntry;

type WithoutPosition<Entry> = Entry extends unknown ? Omit<Entry, "seq"> : never;

/** An entry whose position the store has yet to give. */
export type EntryDraft = WithoutPosition<LedgerEntry>;

export const MAX_LEAF_BYTES = 65_536;

const MAX_SECONDS = 253_402_300_799; // 9999-12-31
const MAX_ITEMS = 16;

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const HASH = hex(32);
const TIME = integer(0, MAX_SECONDS);
const OUTCOME = oneOf("allow", "deny");
const ULID = text(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
const COMMON = { v: oneOf(1), seq: COUNT, time: TIME };
const HELD = { decision: ULID, age: COUNT } satisfies Shape<NonNullable<DecisionEntry["held"]>>;

const ITEM = {
  resource: text(/^[!-~]{1,512}$/),
  op: oneOf(...OPERATIONS),
  version: COUNT,
  outcome: OUTCOME,
} satisfies Shape<DecisionItem>;

const CRL = { number: COUNT, thisUpdate: TIME, age: COUNT } satisfies Shape<DecisionEntry["crl"]>;

const SHAPES: { readonly [Kind in LedgerEntry["kind"]]: Shape<Extract<LedgerEntry, { kind: Kind }>> } = {
  decision: {
    ...COMMON,
    v: oneOf(1, 2),
    kind: oneOf("decision"),
    id: ULID,
    outcome: OUTCOME,
    code: oneOf(null, ...DECISION_CODES),
    items: list(object(ITEM), 1, MAX_ITEMS),
    policy_hash: (value) => value === null || HASH(value),
    evidence_hash: HASH,
    trace_hash: HASH,
    binding: integer(0, 3),
    suite: integer(0, 3),
    vmpl: integer(0, 3),
    measurement: hex(48),
    crl: object(CRL),
    held: optional(object(HELD)),
    bearer: optional(oneOf(true)),
    simulated: optional(oneOf(true)),
  },
  "release-failed": { ...COMMON, kind: oneOf("release-failed"), id: ULID },
  admin: {
    ...COMMON,
    kind: oneOf("admin"),
    actor: text(/^[!-~]{1,128}$/),
    act: text(/^[a-z][a-z0-9-]{0,63}$/),
    subject: text(/^\P{Cc}{1,4096}$/u),
    digest: (value) => value === "" || HASH(value),
  },
  epoch: { ...COMMON, kind: oneOf("epoch"), act: oneOf("start", "restore") },
};

/** The bytes of the leaf. */
export function encodeEntry(entry: LedgerEntry): Uint8Array {
  return canonicalJsonBytes(entry);
}

/**
 * Reads a leaf: RFC 8785 bytes of exactly the members of its kind, each of its type and within its range.
 *
 * @throws {@link Fault} `ledger/malformed`.
 */
export function parseEntry(bytes: Uint8Array): LedgerEntry {
  if (bytes.length > MAX_LEAF_BYTES) throw malformed(`at most ${MAX_LEAF_BYTES} bytes`);
  const limits = { maxBytes: MAX_LEAF_BYTES, maxDepth: 4, code: "ledger/malformed" } as const;
  const value = parseStrictJson(bytes, limits);
  if (!isEntry(value)) throw malformed("the members of its kind, each within its range");
  if (value.kind === "decision" && !isCoherent(value))
    throw malformed(
      "an outcome that code and items bear out, held evidence in version 2 alone, and a suite over a binding",
    );
  if (!equalBytes(encodeEntry(value), bytes)) throw malformed("its canonical form");
  return value;
}

function isEntry(value: JsonValue): value is LedgerEntry {
  if (!isJsonObject(value)) return false;
  const shape = Object.entries(SHAPES).find(([kind]) => kind === value["kind"])?.[1];
  return shape !== undefined && hasShape(value, shape);
}

/** Something was allowed exactly where the outcome says so, and a code stands exactly where nothing was; evidence is held in version 2. */
function isCoherent({ v, outcome, code, items, held, binding, suite }: DecisionEntry): boolean {
  const isAllowed = items.some((item) => item.outcome === "allow");
  if ((v === 2) !== (held !== undefined) || (binding === 0) !== (suite === 0)) return false;
  return isAllowed === (outcome === "allow") && isAllowed === (code === null);
}

function malformed(expected: string): Fault {
  return new Fault("ledger/malformed", `expected an entry of ${expected}`);
}
