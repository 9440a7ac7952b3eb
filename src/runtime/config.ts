/** What does the configuration say? TOML text in; a frozen record out, or one Fault that lists every problem. */
import type * as v from "valibot";
import { ALL_BINDINGS, BINDING_NAMES } from "../channel/binding-names.ts";
import type { Binding } from "../channel/bindings.ts";
import { OFFERED_SUITES, type OfferedSuite } from "../channel/suites.ts";
import type { ProviderPlan } from "../oidc/plan.ts";
import type { Admin } from "../policy/admins.ts";
import { WRAP_OF_SUITE } from "../policy/wraps.ts";
import { type BrokerRead, CONFIG, type Read, WORKER_CONFIG } from "./config-schema.ts";
import { type Environment, overlaid } from "./environment.ts";
import {
  type FindingsConfig,
  findingsConfigOf,
  type WatchedConfig,
  watchedConfigOf,
} from "./findings-config.ts";
import {
  type GovernanceConfig,
  governanceConfigOf,
  type PersonConfig,
  personOf,
} from "./governance-config.ts";
import { type KbsConfig, kbsConfigOf } from "./kbs-config.ts";
import { type KekConfig, kekConfigOf } from "./kek-config.ts";
import { providerPlansOf } from "./oidc-config.ts";
import { type ProviderFiles, type ProviderPems, providerFilesOf, providerPemsOf } from "./provider-config.ts";
import {
  type AuditConfig,
  auditOf,
  type NotifyConfig,
  notifyOf,
  type TraceConfig,
  traceOf,
} from "./sink-config.ts";
import { type StoreConfig, storeConfigOf } from "./store-config.ts";
import { type Problem, parsedToml, readBySchema } from "./toml.ts";

/** What every broker is told, wherever it runs. */
export interface BrokerConfig {
  readonly mode: "production" | "demo";
  /** The broker's identity (PROTOCOL section 1). */
  readonly audience: string;
  readonly tenant: string;
  readonly region: string;
  readonly environment: string;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly kds: KdsConfig;
  readonly nonceLifetimeSeconds: number;
  readonly rates: { readonly perSource: number; readonly perBroker: number };
  readonly ledgerReaders: "anyone" | "admins";
  /** How secrets may be sealed; the broker offers no other. */
  readonly suites: readonly OfferedSuite[];
  /** No token lives longer, whatever a policy says. */
  readonly maxTokenSeconds: number;
  /** How old evidence may be that something is renewed on; 0 for never. */
  readonly maxEvidenceSeconds: number;
  /** For so many days nobody has a trace forgotten; for ever where it is absent. */
  readonly traceDays?: number;
  /** How often scans look, and whose is what. */
  readonly findings: FindingsConfig;
  /** How many people it takes. */
  readonly governance: GovernanceConfig;
  /** The drop-in KBS, where it is switched on. */
  readonly kbs?: KbsConfig;
  /** Where the page for security keys is served; without it there is none, and no security key comes in. */
  readonly webauthn?: { readonly origin: string; readonly rpId: string };
}

/** What the operator of a broker on Node decides. Keys are references to files, never values. */
export interface Config extends BrokerConfig {
  /** The simulator's root as a file; in production mode there is none. */
  readonly trustSimulatorFile?: string;
  /** Who may speak for a cloud provider. */
  readonly providers: ProviderFiles;
  readonly listen: ListenConfig;
  readonly files: FilesConfig;
  /** Where the root key-encryption key is. */
  readonly kek: KekConfig;
  /** PostgreSQL in place of `files.database`. */
  readonly store?: StoreConfig;
  readonly admins: readonly AdminConfig[];
  /** By whom admins may sign in besides. */
  readonly identityProviders: readonly ProviderPlan[];
  /** Where the newest head of the log is kept apart from the database. */
  readonly headFile?: string;
  /** A counter that nobody sets back, beside it or in its place. */
  readonly tpmCounter?: TpmCounterConfig;
  /** Who is told each head of the log, and asked at start how far it was. */
  readonly witnesses: readonly WitnessConfig[];
  /** Where each head is put for others to find. */
  readonly publications: readonly PublicationConfig[];
  /** Whose heads are held against what was heard before. */
  readonly peers: readonly PeerConfig[];
  /** What names of admins are salted with before they go into the log. */
  readonly saltFile?: string;
  /** Whether ids of chips are hidden by the salt too, wherever the broker keeps them. */
  readonly saltsChips: boolean;
  /** How many witnesses a receipt waits for, and how long; nobody where it is left out. */
  readonly receiptWait?: { readonly witnesses: number; readonly seconds: number };
  readonly audits: readonly AuditConfig[];
  readonly notifies: readonly NotifyConfig[];
  readonly traces?: TraceConfig;
  /** Whom `/v1/health` tells more than whether the broker is ready, besides admins. */
  readonly healthDetails: "admins" | "loopback";
  readonly attestation: AttestationConfig;
  /** Certificates beside the broker's own that it looks after. */
  readonly watched: readonly WatchedConfig[];
}

export interface WitnessConfig {
  readonly url: string;
  /** The verifier key by which it cosigns. */
  readonly key: string;
  /** Whether a broker that cannot ask it is to start. */
  readonly isRequired: boolean;
}

export type PublicationConfig =
  | { readonly file: string }
  | {
      readonly url: string;
      /** What is shown to whoever takes heads there. */
      readonly tokenFile?: string;
    };

export interface PeerConfig {
  /** What the names of its log's files follow: of a broker `…/v1/ledger`. */
  readonly url: string;
  /** The verifier key of its log. */
  readonly key: string;
}

/** What the operator of a Worker decides. */
export interface WorkerConfig extends BrokerConfig {
  /** Under which URL admins reach this broker, where that is not its audience. */
  readonly externalUrl?: string;
  /** The simulator's root; in production mode there is none. */
  readonly trustSimulatorPem?: string;
  readonly providers: ProviderPems;
  readonly admins: readonly Admin[];
}

/** How this broker proves itself to guests (PROTOCOL section 8). */
export interface AttestationConfig {
  /** `auto`: the kernel's interface where there is one, else none. */
  readonly provider: "auto" | "none" | "configfs-tsm" | "simulator";
  /** Named by guests that will have brokers of one cluster only. */
  readonly cluster: string;
  /** The level that the broker runs at where it is left out. */
  readonly vmpl?: 0 | 1 | 2 | 3;
  readonly tsmFolder?: string;
  readonly runFolder?: string;
  readonly simulatorFolder?: string;
  readonly freshPerSecond: number;
}

export interface ListenConfig {
  readonly host: string;
  readonly port: number;
  /** So many of them serve this port together. */
  readonly processes: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** What guests may bind their evidence to (PROTOCOL section 1); 1 and 2 where the broker ends TLS itself. */
  readonly bindings: readonly Binding[];
  /** Under which URL admins reach this broker, where that is not its audience. */
  readonly externalUrl?: string;
}

/** An NV index of a TPM that counts while the log grows. */
export interface TpmCounterConfig {
  readonly device: string;
  readonly index: number;
  readonly everyMinutes: number;
}

/** Paths as they are written; relative ones are relative to the configuration's folder. */
export interface FilesConfig {
  readonly signingKey: string;
  readonly ledgerKey: string;
  /** There unless the database is a server's. */
  readonly database?: string;
}

/** An admin with a public key: its SubjectPublicKeyInfo, or the PEM file that holds an Ed25519 one. */
export type AdminConfig = PersonConfig & ({ readonly spki: Uint8Array } | { readonly file: string });

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
 * @param environment - Its `OSTIARY_*` stand in the place of the file's members.
 * @throws {@link Fault} `config/invalid`, whose detail has one member per problem, named by its place.
 */
export function parseConfig(text: string, environment: Environment = {}): Config {
  return frozen(configOf(readBy(CONFIG, text, environment)));
}

/** Reads the configuration of a Worker. @throws {@link Fault} as {@link parseConfig}. */
export function parseWorkerConfig(text: string, environment: Environment = {}): WorkerConfig {
  const read = readBy(WORKER_CONFIG, text, environment);
  return frozen({
    ...brokerConfigOf(read),
    ...present("externalUrl", read.external_url),
    ...present("trustSimulatorPem", read.trust_simulator_pem),
    providers: providerPemsOf(read.providers),
    admins: read.admin.map((one) => ({ ...personOf(one), spki: one.spki })),
  });
}

/** Settings of the environment over those of the file, all problems of both at once. */
function readBy<S extends typeof CONFIG | typeof WORKER_CONFIG>(
  schema: S,
  text: string,
  environment: Environment,
): v.InferOutput<S> {
  const { tree, unknown } = overlaid(parsedToml(text), environment);
  const strays = unknown.map((name): Problem => [name.slice(0, 100), "expected the name of a setting"]);
  return readBySchema(schema, tree, strays);
}

// ── the record ──────────────────────────────────────────────────────────────────────────────────────────────────────

function configOf(read: Read): Config {
  return {
    ...brokerConfigOf(read),
    ...present("trustSimulatorFile", read.trust_simulator),
    providers: providerFilesOf(read.providers),
    listen: listenOf(read.listen),
    files: filesOf(read.files),
    kek: kekConfigOf(read.files.kek, read.kek),
    ...present("store", read.store === undefined ? undefined : storeConfigOf(read.store)),
    admins: read.admin.map(adminOf),
    identityProviders: providerPlansOf(read.oidc),
    ...present("headFile", read.ledger.head_file),
    ...present("tpmCounter", tpmCounterOf(read.ledger.tpm_counter)),
    witnesses: read.ledger.witness.map(({ url, key, required }) => ({ url, key, isRequired: required })),
    publications: read.ledger.publish.map(publicationOf),
    peers: read.ledger.peer,
    ...present("saltFile", read.ledger.salt_file),
    saltsChips: read.ledger.salt_chip_ids,
    ...present("receiptWait", receiptWaitOf(read.ledger)),
    audits: read.audit.map(auditOf),
    notifies: read.notify.map(notifyOf),
    ...present("traces", read.traces === undefined ? undefined : traceOf(read.traces)),
    healthDetails: read.health.details,
    attestation: attestationOf(read.attestation),
    watched: watchedConfigOf(read.watched),
  };
}

function brokerConfigOf(read: BrokerRead): BrokerConfig {
  return {
    mode: read.mode,
    audience: read.audience,
    tenant: read.tenant,
    region: read.region,
    environment: read.environment,
    logLevel: read.log_level,
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
    maxEvidenceSeconds: read.tokens.max_evidence_age_seconds,
    ...present("traceDays", read.ledger.keep_traces_days),
    findings: findingsConfigOf(read.findings),
    governance: governanceConfigOf(read.governance, read.owner),
    ...present("kbs", read.kbs === undefined ? undefined : kbsConfigOf(read.kbs)),
    ...present("webauthn", read.webauthn),
  };
}

/** Exactly one of the two is there: the schema saw to it. */
function publicationOf({ file, url = "", token_file }: Read["ledger"]["publish"][number]): PublicationConfig {
  return file === undefined ? { url, ...present("tokenFile", token_file) } : { file };
}

function attestationOf(read: Read["attestation"]): AttestationConfig {
  return {
    provider: read.provider,
    cluster: read.cluster,
    freshPerSecond: read.fresh_per_second,
    ...present("vmpl", read.vmpl),
    ...present("tsmFolder", read.tsm_dir),
    ...present("runFolder", read.run_dir),
    ...present("simulatorFolder", read.simulator_dir),
  };
}

function receiptWaitOf({ receipt_witnesses: witnesses, receipt_wait_seconds: seconds }: Read["ledger"]) {
  return witnesses === 0 ? undefined : { witnesses, seconds };
}

function tpmCounterOf(read: Read["ledger"]["tpm_counter"]): TpmCounterConfig | undefined {
  if (read === undefined) return undefined;
  return { device: read.device, index: Number(read.index), everyMinutes: read.every_minutes };
}

function listenOf(read: Read["listen"]): ListenConfig {
  const { host, port, processes, tls, bindings: named, external_url: externalUrl } = read;
  const files = tls === undefined ? undefined : { certFile: tls.cert_file, keyFile: tls.key_file };
  const standard: readonly Binding[] = tls === undefined ? [3] : [2, 3];
  const bindings =
    named === undefined ? standard : ALL_BINDINGS.filter((one) => named.includes(BINDING_NAMES[one]));
  return {
    host,
    port,
    processes,
    bindings,
    ...present("tls", files),
    ...present("externalUrl", externalUrl),
  };
}

function filesOf(read: Read["files"]): FilesConfig {
  return {
    signingKey: read.signing_key,
    ledgerKey: read.ledger_key,
    ...present("database", read.database),
  };
}

/** Exactly one of the two is there: the schema saw to it. */
function adminOf(read: Read["admin"][number]): AdminConfig {
  const { spki: key, file = "" } = read;
  return { ...personOf(read), ...(key === undefined ? { file } : { spki: key }) };
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
