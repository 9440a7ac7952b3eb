/** What does the configuration say? TOML text in; a frozen record out, or one Fault that lists every problem. */
import { parse } from "smol-toml";
import * as v from "valibot";
import { parseBase64Url } from "../base/bytes.ts";
import { Fault, type FaultDetail } from "../base/fault.ts";
import { bareKeyOf } from "../base/spki.ts";
import { ALL_BINDING_NAMES, ALL_BINDINGS, BINDING_NAMES } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
import { OFFERED_SUITES, type OfferedSuite } from "../channel/suites.ts";
import { WRAP_OF_SUITE } from "../policy/vocabulary.ts";
import { STORE, type StoreConfig, storeConfigOf } from "./store-config.ts";

/** Everything that an operator decides. Keys are references to files, never values. */
export interface Config {
  readonly mode: "production" | "demo";
  /** The broker's identity (PROTOCOL section 1). */
  readonly audience: string;
  readonly tenant: string;
  readonly region: string;
  readonly environment: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** The simulator's root as a file; in production mode there is none. */
  readonly trustSimulatorFile?: string;
  readonly listen: ListenConfig;
  readonly files: FilesConfig;
  /** PostgreSQL in place of `files.database`. */
  readonly store?: StoreConfig;
  readonly admins: readonly AdminConfig[];
  readonly kds: KdsConfig;
  readonly nonceLifetimeSeconds: number;
  readonly rates: { readonly perSource: number; readonly perBroker: number };
  readonly ledgerReaders: "anyone" | "admins";
  /** How secrets may be sealed; the broker offers no other. */
  readonly suites: readonly OfferedSuite[];
  /** No token lives longer, whatever a policy says. */
  readonly maxTokenSeconds: number;
  readonly attestation: AttestationConfig;
}

/** How this broker proves itself to guests (PROTOCOL section 8). */
export interface AttestationConfig {
  /** `auto`: the kernel's interface where there is one, else none. */
  readonly provider: "auto" | "none" | "configfs-tsm" | "simulator";
  /** Named by guests that will have brokers of one cluster only. */
  readonly cluster: string;
  /** Written to the kernel's interface where it is given. */
  readonly vmpl?: 0 | 1 | 2 | 3;
  readonly tsmFolder?: string;
  readonly simulatorFolder?: string;
  readonly freshPerSecond: number;
}

export interface ListenConfig {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** What guests may bind their evidence to (PROTOCOL section 1); 1 and 2 where the broker ends TLS itself. */
  readonly bindings: readonly Binding[];
  /** Under which URL admins reach this broker, where that is not its audience. */
  readonly externalUrl?: string;
}

/** Paths as they are written; relative ones are relative to the configuration's folder. */
export interface FilesConfig {
  readonly kek: string;
  readonly signingKey: string;
  readonly ledgerKey: string;
  /** There unless the database is a server's. */
  readonly database?: string;
}

/** An admin's Ed25519 public key: its SubjectPublicKeyInfo, or the PEM file that holds it. */
export type AdminConfig =
  | { readonly kid: string; readonly spki: Uint8Array }
  | { readonly kid: string; readonly file: string };

export interface KdsConfig {
  readonly isEnabled: boolean;
  readonly url: string;
  /** Asked first. */
  readonly mirror?: string;
  readonly timeoutSeconds: number;
}

/**
 * Reads the configuration.
 *
 * @throws {@link Fault} `config/invalid`, whose detail has one member per problem, named by its place.
 */
export function parseConfig(text: string): Config {
  const result = v.safeParse(CONFIG, parsedToml(text));
  if (!result.success) throw invalid(result.issues.map(problemOf));
  return frozen(configOf(result.output));
}

const MAX_TEXT = 1 << 20;

function parsedToml(text: string): unknown {
  if (text.length > MAX_TEXT) throw invalid([["file", "expected at most 1 MiB of TOML"]]);
  try {
    return parse(text);
  } catch (thrown) {
    // The parser's message shows the line it stumbled over; only where that is may be repeated.
    throw invalid([["file", `expected TOML 1.0${lineOf(thrown)}`]]);
  }
}

function lineOf(thrown: unknown): string {
  if (typeof thrown !== "object" || thrown === null || !("line" in thrown)) return "";
  return typeof thrown.line === "number" ? `, received something else in line ${thrown.line}` : "";
}

// ── the schema ──────────────────────────────────────────────────────────────────────────────────────────────────────

const NORMAL_URL = "a URL with lower-case scheme and host, no default port, no trailing slash, no query";

const path = v.pipe(v.string(), v.regex(/^\P{Cc}{1,4096}$/u, "a path"));
const label = v.pipe(v.string(), v.regex(/^[\w.:-]{0,128}$/, "letters, digits, `.`, `_`, `:` and `-`"));
const keyName = v.pipe(
  v.string(),
  v.regex(/^[\w.@-]{1,128}$/, "a name of letters, digits, `.`, `_`, `@` and `-`"),
);
const url = v.pipe(v.string(), v.check(isNormalUrl, NORMAL_URL));
const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isInteger(n) && n >= least && n <= most, `a whole number from ${least} to ${most}`),
  );

const spki = v.pipe(
  v.string(),
  v.rawTransform<string, Uint8Array>(({ dataset, addIssue, NEVER }) => {
    const bytes = parseBase64Url(dataset.value);
    if (bytes !== undefined && bareKeyOf("ed25519", bytes) !== undefined) return bytes;
    addIssue({ message: "base64url of an Ed25519 SubjectPublicKeyInfo (44 bytes)" });
    return NEVER;
  }),
);

/** A table with these members; each other one is a problem of its own. */
function table<T extends v.ObjectEntries>(entries: T) {
  return v.objectWithRest(entries, v.never("no such member"));
}

const admin = v.pipe(
  table({ kid: keyName, spki: v.optional(spki), file: v.optional(path) }),
  v.check((read) => (read.spki === undefined) !== (read.file === undefined), "either `spki` or `file`"),
);

/** One name, one person, one key: an approval by two people must not be one person twice. */
const admins = v.pipe(
  v.array(admin),
  v.check((list) => isEachOnce(list.map(({ kid }) => kid)), "each `kid` once"),
  v.check((list) => isEachOnce(list.map((read) => read.file ?? String(read.spki))), "each key once"),
);

/** A key has one use: the signing key signs releases, the ledger key checkpoints; the keys of tokens are in the database. */
const files = v.pipe(
  table({ kek: path, signing_key: path, ledger_key: path, database: v.optional(path) }),
  v.check((read) => isEachOnce(Object.values(read).map(String)), "different files"),
);

/** By the names that a policy has for them. The JWE is there for guests that have nothing else: it is asked for. */
const wraps = v.pipe(
  v.array(v.picklist(OFFERED_SUITES.map((suite) => WRAP_OF_SUITE[suite]))),
  v.check((list) => list.length > 0 && isEachOnce(list), "at least one way to seal, each once"),
);

/** By the names that a policy has for them. */
const channels = v.pipe(
  v.array(v.picklist(ALL_BINDING_NAMES)),
  v.check((list) => list.length > 0 && isEachOnce(list), "at least one binding, each once"),
);

const MEMBERS = table({
  mode: v.picklist(["production", "demo"]),
  audience: url,
  tenant: v.optional(label, ""),
  region: v.optional(label, ""),
  environment: v.optional(label, ""),
  log_level: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
  trust_simulator: v.optional(path),
  suites: v.optional(wraps, [WRAP_OF_SUITE[1], WRAP_OF_SUITE[2]]),
  listen: table({
    host: v.pipe(v.string(), v.regex(/^[A-Za-z0-9.:-]{1,253}$/, "a host name or an IP address")),
    port: whole(0, 65_535),
    external_url: v.optional(url),
    tls: v.optional(table({ cert_file: path, key_file: path })),
    bindings: v.optional(channels),
  }),
  files,
  store: v.optional(STORE),
  admin: v.optional(admins, []),
  kds: v.optional(
    table({
      enabled: v.optional(v.boolean(), true),
      url: v.optional(url, "https://kdsintf.amd.com"),
      mirror: v.optional(url),
      timeout_seconds: v.optional(whole(1, 60), 10),
    }),
    {},
  ),
  nonce: v.optional(table({ lifetime_seconds: v.optional(whole(5, 120), 60) }), {}),
  rates: v.optional(
    table({
      challenges_per_source: v.optional(whole(1, 100_000), 10),
      challenges_per_broker: v.optional(whole(1, 1_000_000), 1000),
    }),
    {},
  ),
  tokens: v.optional(table({ max_lifetime_seconds: v.optional(whole(1, 300), 300) }), {}),
  attestation: v.optional(
    table({
      provider: v.optional(v.picklist(["auto", "none", "configfs-tsm", "simulator"]), "auto"),
      cluster: v.optional(label, ""),
      vmpl: v.optional(v.picklist([0, 1, 2, 3])),
      tsm_dir: v.optional(path),
      simulator_dir: v.optional(path),
      fresh_per_second: v.optional(whole(1, 1000), 1),
    }),
    {},
  ),
  ledger: v.optional(table({ readers: v.optional(v.picklist(["anyone", "admins"]), "admins") }), {}),
});

/** No simulator outside `mode = "demo"` (PRODUCT section 4, promise 5). */
const CONFIG = v.pipe(
  MEMBERS,
  v.forward(
    v.partialCheck(
      [["files"], ["store"]],
      ({ files: { database }, store }) => (database === undefined) !== (store === undefined),
      "`database` here or `url` in `[store]`, and not both",
    ),
    ["files"],
  ),
  v.forward(
    v.partialCheck(
      [["mode"], ["trust_simulator"]],
      (read) => read.mode === "demo" || read.trust_simulator === undefined,
      'no simulator unless mode = "demo"',
    ),
    ["trust_simulator"],
  ),
  v.forward(
    v.partialCheck(
      [["listen"]],
      ({ listen }) =>
        listen.tls !== undefined || (listen.bindings ?? []).every((name) => name === "application"),
      "`ra-tls` and `tls-exporter` with [listen.tls] only",
    ),
    ["listen", "bindings"],
  ),
  v.forward(
    v.partialCheck(
      [["mode"], ["attestation"]],
      (read) => read.mode === "demo" || read.attestation.provider !== "simulator",
      'no simulator unless mode = "demo"',
    ),
    ["attestation", "provider"],
  ),
  v.forward(
    v.partialCheck(
      [["attestation"]],
      ({ attestation }) =>
        (attestation.provider === "simulator") === (attestation.simulator_dir !== undefined),
      "`simulator_dir` with the simulator, and only with it",
    ),
    ["attestation", "simulator_dir"],
  ),
);

type Read = v.InferOutput<typeof CONFIG>;

/** PROTOCOL section 1: lower-case scheme and host, no default port, no trailing slash, nothing after the path. */
function isNormalUrl(text: string): boolean {
  if (text.length > 512 || !URL.canParse(text)) return false;
  const parsed = new URL(text);
  const whole = parsed.origin + (parsed.pathname === "/" ? "" : parsed.pathname);
  return /^https?:$/.test(parsed.protocol) && whole === text && !text.endsWith("/");
}

function isEachOnce(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

// ── the record ──────────────────────────────────────────────────────────────────────────────────────────────────────

function configOf(read: Read): Config {
  return {
    mode: read.mode,
    audience: read.audience,
    tenant: read.tenant,
    region: read.region,
    environment: read.environment,
    logLevel: read.log_level,
    ...present("trustSimulatorFile", read.trust_simulator),
    listen: listenOf(read.listen),
    files: filesOf(read.files),
    ...present("store", read.store === undefined ? undefined : storeConfigOf(read.store)),
    admins: read.admin.map(adminOf),
    kds: {
      isEnabled: read.kds.enabled,
      url: read.kds.url,
      ...present("mirror", read.kds.mirror),
      timeoutSeconds: read.kds.timeout_seconds,
    },
    nonceLifetimeSeconds: read.nonce.lifetime_seconds,
    rates: { perSource: read.rates.challenges_per_source, perBroker: read.rates.challenges_per_broker },
    ledgerReaders: read.ledger.readers,
    suites: OFFERED_SUITES.filter((suite) => read.suites.includes(WRAP_OF_SUITE[suite])),
    maxTokenSeconds: read.tokens.max_lifetime_seconds,
    attestation: attestationOf(read.attestation),
  };
}

function attestationOf(read: Read["attestation"]): AttestationConfig {
  return {
    provider: read.provider,
    cluster: read.cluster,
    freshPerSecond: read.fresh_per_second,
    ...present("vmpl", read.vmpl),
    ...present("tsmFolder", read.tsm_dir),
    ...present("simulatorFolder", read.simulator_dir),
  };
}

function listenOf(read: Read["listen"]): ListenConfig {
  const { host, port, tls, bindings: named, external_url: externalUrl } = read;
  const files = tls === undefined ? undefined : { certFile: tls.cert_file, keyFile: tls.key_file };
  const standard: readonly Binding[] = tls === undefined ? [3] : [2, 3];
  const bindings =
    named === undefined ? standard : ALL_BINDINGS.filter((one) => named.includes(BINDING_NAMES[one]));
  return { host, port, bindings, ...present("tls", files), ...present("externalUrl", externalUrl) };
}

function filesOf(read: Read["files"]): FilesConfig {
  return {
    kek: read.kek,
    signingKey: read.signing_key,
    ledgerKey: read.ledger_key,
    ...present("database", read.database),
  };
}

/** Exactly one of the two is there: the schema saw to it. */
function adminOf({ kid, spki: key, file = "" }: Read["admin"][number]): AdminConfig {
  return key === undefined ? { kid, file } : { kid, spki: key };
}

/** An optional member: there, or not there at all. */
function present<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  const record: { [P in K]?: T } = {};
  if (value !== undefined) record[name] = value;
  return record;
}

function frozen<T extends object>(record: T): T {
  for (const member of Object.values(record)) {
    const isRecord = typeof member === "object" && member !== null && !(member instanceof Uint8Array);
    if (isRecord) frozen(member);
  }
  return Object.freeze(record);
}

// ── the one fault ───────────────────────────────────────────────────────────────────────────────────────────────────

type Problem = readonly [place: string, expected: string];

const MAX_PROBLEMS = 50;

/** Where, and what was expected; never what stands there, which may be a key that somebody put in the wrong place. */
function problemOf(issue: v.BaseIssue<unknown>): Problem {
  const place = (v.getDotPath(issue) ?? "file").slice(0, 100);
  const hasOwnWords = issue.kind !== "schema" || issue.type === "never";
  return [place, `expected ${hasOwnWords ? issue.message : issue.expected}`];
}

function invalid(problems: readonly Problem[]): Fault {
  const detail: FaultDetail = Object.fromEntries(problems.slice(0, MAX_PROBLEMS));
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  return new Fault("config/invalid", `the configuration has ${count}`, detail);
}
