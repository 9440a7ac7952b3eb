/** Which broker does a guest trust, and who asks the hardware? Options that both verbs of the agent have. */
import type { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import { BINDING_NAMES, bindingNamed } from "../channel/binding-names.ts";
import { OFFERED_SUITES, type OfferedSuite } from "../channel/suites.ts";
import type { Waiting } from "../client/retry.ts";
import { WRAP_OF_SUITE } from "../policy/wraps.ts";
import type { PublicJwk, WantedItem } from "../wire/messages.ts";
import { countOf } from "./arguments.ts";
import { Misuse } from "./command.ts";
import {
  EVIDENCE_OPTIONS,
  EVIDENCE_USAGE,
  type EvidenceOptions,
  evidenceOptionsOf,
  vmplOf,
} from "./evidence-options.ts";

/** What the options said: the guest's own configuration, of which nothing comes from the broker. */
export interface AgentOptions extends BrokerOptions, EvidenceOptions {
  /** Brokers that are known by something else, and will do as well: those of a file. */
  readonly others: readonly BrokerOptions[];
  /** `Infinity` for as long as it takes. */
  readonly deadlineSeconds: number;
  /** Begins at a moment drawn from as many. */
  readonly spreadSeconds: number;
  /** Whether each secret and token takes new evidence, where a token would do. */
  readonly attestsAlways: boolean;
  /** Whether the guest says of itself what `agent doctor` sees, beside its evidence. */
  readonly sendsPosture: boolean;
}

/** Which brokers, and by what each of them is known. */
export interface BrokerOptions {
  /** One at least, of one cluster, each without a trailing slash. */
  readonly brokers: readonly string[];
  readonly audience: string;
  /** Absent only where a policy for the broker says by what it is known. */
  readonly signingKeyFile?: string;
  readonly brokerPolicy?: BrokerPolicyOptions;
  readonly suite: OfferedSuite;
  /** 2, the connection itself, unless said otherwise or the broker has no TLS of its own. */
  readonly binding: 1 | 2 | 3;
  /** PEM certificates to trust for TLS, or the one key of the broker's TLS leaf. */
  readonly tlsAuthoritiesFile?: string;
  readonly tlsPinFile?: string;
}

/** What the broker has to prove before it is shown anything. */
export interface BrokerPolicyOptions {
  readonly file: string;
  readonly cluster: string;
  readonly vmpl: 0 | 1 | 2 | 3;
  readonly isFresh: boolean;
  readonly trustSimulatorFile?: string;
}

/** What it proved. */
export interface ProvenBroker {
  readonly tier: 1 | 2;
  readonly measurement: string;
  readonly product: string;
  readonly reportedTcb: string;
  readonly cluster: string;
  readonly policyRoot: string;
  readonly isSimulated: boolean;
}

/** Secrets as they were opened: plaintext, which the verb overwrites when it is done. */
export interface FetchedSecrets {
  readonly decision: string;
  /** `undefined` where the pinned key had to do. */
  readonly broker?: ProvenBroker | undefined;
  readonly secrets: readonly {
    readonly secretId: string;
    readonly version: number;
    readonly lease?: { readonly fence: number; readonly until: Instant };
    readonly reattestSeconds?: number;
    readonly secret: Uint8Array;
  }[];
  /** Where one was wanted: it, or why there is none. */
  readonly receipt?: string | Fault;
}

export interface SecretRequest {
  readonly want: readonly WantedItem[];
  readonly options: AgentOptions;
  /** Where it is there, what is kept of the release is wanted too; under a head of this verifier key, or the file that holds one. */
  readonly receipt?: { readonly ledgerKey?: string };
  /** Told what failed, before each wait. */
  readonly onWait: (waiting: Waiting<{ readonly url: string }>) => void;
}

/** @throws {@link Fault}: the broker's no, `broker/unreachable`, `provider/unavailable`, `channel/bad-release`, `config/invalid`. */
export type FetchSecrets = (request: SecretRequest) => Promise<FetchedSecrets>;

/** A token that was asked for: for whom, bound to which key. */
export interface TokenRequest {
  readonly aud: string;
  readonly cnf: PublicJwk;
  /** A token of the broker's own audience, and the file of the private key that it is bound to: by them no report is made. */
  readonly held?: { readonly token: string; readonly keyFile: string };
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
}

/** @throws {@link Fault} as {@link FetchSecrets}. */
export type FetchToken = (
  request: TokenRequest,
) => Promise<{ readonly decision: string; readonly token: Uint8Array }>;

/** For `parseArguments`. */
export const AGENT_OPTIONS = {
  config: { type: "string" },
  broker: { type: "string", multiple: true },
  audience: { type: "string" },
  "signing-key": { type: "string" },
  "broker-policy": { type: "string" },
  "broker-cluster": { type: "string" },
  "broker-vmpl": { type: "string" },
  "broker-fresh": { type: "boolean" },
  "trust-simulator": { type: "string" },
  ...EVIDENCE_OPTIONS,
  wrap: { type: "string" },
  binding: { type: "string" },
  "tls-ca": { type: "string" },
  "tls-pin": { type: "string" },
  version: { type: "string" },
  deadline: { type: "string" },
  spread: { type: "string" },
  "attest-always": { type: "boolean" },
  posture: { type: "boolean" },
  json: { type: "boolean" },
} as const;

export const AGENT_USAGE = `which broker, and who asks the hardware:
  --config FILE        TOML of this guest (/etc/ostiary/agent.toml where it is there): what the options below leave out. With
                       --broker nothing of the file's brokers counts; each other option stands in the place of the file's
  --broker URL         address of the broker; several times for several of one cluster, where the next is asked when one is away
  --audience URL       identity of the broker, where that is not its address
  --signing-key FILE   the broker's signing key, PEM public key: the one that this guest trusts, and all that vouches for a
                       broker outside a confidential VM
  --broker-policy FILE Writ for the resource \`broker\`: the broker has to prove itself accordingly, by evidence of its own,
                       before this guest shows any; then --signing-key may be left out
  --broker-cluster NAME  the cluster that the broker has to be of (one without a name)
  --broker-vmpl N      privilege level of the broker's report, 0 to 3 (0)
  --broker-fresh       a report of the broker's over this very connection, not the one of the hour
  --trust-simulator FILE  root certificate of a simulator that may vouch for the broker beside AMD
${EVIDENCE_USAGE}  --binding NAME       tls-exporter: to this very TLS connection, so the broker has to end TLS itself; ra-tls: to the key of
                       a client certificate that carries the evidence, made for one nonce; application: to the
                       broker's signing key, through any proxy (tls-exporter for https, application for http)
  --tls-ca FILE        PEM certificates that may vouch for the broker's TLS name, and no others (the system's)
  --tls-pin FILE       PEM public key of the broker's TLS certificate; then names and authorities do not count
  --wrap NAME          how the secret has to be sealed: hpke-x25519; hpke-xwing, which outlasts quantum computers; or
                       jwe-p256, for JOSE, where the broker offers it (hpke-x25519)
  --version N          that version of the secret, not the newest
  --deadline SECONDS   how long to go on asking brokers that do not answer (60), or none, for as long as it takes
  --spread SECONDS     begin at a moment drawn from as many, so that a fleet does not ask at once (0)
  --attest-always      new evidence for each secret that is read again, where a token would do (exec, serve)
  --posture            what \`agent doctor\` sees of this machine goes with the evidence, for policies and findings (not sent)
  --json               print facts as JSON, never the secret
`;

/** Options as they were written. */
export type AgentValues = Readonly<
  Partial<Record<Exclude<keyof typeof AGENT_OPTIONS, "broker">, string | boolean>> & {
    broker?: readonly string[] | undefined;
  }
>;
type Values = AgentValues;
type Name = Exclude<keyof typeof AGENT_OPTIONS, "broker">;

const DEFAULT_DEADLINE = "60";
const MAX_BROKERS = 16;

/**
 * @param others - Options that name further brokers; of the machine they say nothing.
 * @throws {@link Misuse}.
 */
export function agentOptionsOf(values: Values, others: readonly Values[] = []): AgentOptions {
  return {
    ...brokerOptionsOf(values),
    others: others.map(brokerOptionsOf),
    ...evidenceOptionsOf(values),
    deadlineSeconds: deadlineOf(textOf(values, "deadline") ?? DEFAULT_DEADLINE),
    spreadSeconds: spreadOf(textOf(values, "spread")),
    attestsAlways: values["attest-always"] === true,
    sendsPosture: values.posture === true,
  };
}

function brokerOptionsOf(values: Values): BrokerOptions {
  const brokers = brokersOf(values.broker ?? []);
  return {
    brokers,
    audience: audienceOf(values, brokers),
    ...knownBy(values),
    suite: suiteOf(textOf(values, "wrap") ?? "hpke-x25519"),
    ...tlsOf(values, brokers),
  };
}

/** The items of some paths; a version belongs to one path alone. @throws {@link Misuse}. */
export function wantedOf(paths: readonly string[], version: string | undefined): readonly WantedItem[] {
  if (version === undefined) return paths.map((secret) => ({ secret }));
  if (paths.length !== 1) throw new Misuse("expected one PATH with --version");
  const number = countOf(version, "--version");
  return paths.map((secret) => ({ secret, version: number }));
}

/** A pinned key at least, unless the broker has to prove which key is its own. */
function knownBy(values: Values): Pick<AgentOptions, "signingKeyFile" | "brokerPolicy"> {
  const file = textOf(values, "broker-policy");
  if (file === undefined) {
    for (const name of NEED_POLICY) {
      if (values[name] !== undefined) throw new Misuse(`expected --broker-policy FILE with --${name}`);
    }
    return { signingKeyFile: required(values, "signing-key") };
  }
  const [pinned, simulator] = [textOf(values, "signing-key"), textOf(values, "trust-simulator")];
  const brokerPolicy = {
    file,
    cluster: textOf(values, "broker-cluster") ?? "",
    vmpl: vmplOf(textOf(values, "broker-vmpl"), "--broker-vmpl") ?? 0,
    isFresh: values["broker-fresh"] === true,
    ...(simulator === undefined ? {} : { trustSimulatorFile: simulator }),
  };
  return { brokerPolicy, ...(pinned === undefined ? {} : { signingKeyFile: pinned }) };
}

const NEED_POLICY = ["broker-cluster", "broker-vmpl", "broker-fresh", "trust-simulator"] as const;

function brokersOf(urls: readonly string[]): readonly string[] {
  if (urls.length > MAX_BROKERS) throw new Misuse(`expected at most ${MAX_BROKERS} --broker`);
  return [...new Set(urls.map(urlOf))];
}

/** Where there is one broker, its address is its name unless it is said; several cannot all be called like one of them. */
function audienceOf(values: Values, [first, ...others]: readonly string[]): string {
  if (first === undefined) throw new Misuse("expected --broker");
  const audience = textOf(values, "audience");
  if (audience === undefined && others.length > 0) {
    throw new Misuse("expected --audience with several --broker: who they are, together");
  }
  return audience ?? first;
}

function deadlineOf(text: string): number {
  return text === "none" ? Infinity : countOf(text, "--deadline");
}

function spreadOf(text: string | undefined): number {
  return text === undefined || text === "0" ? 0 : countOf(text, "--spread");
}

function required(values: Values, name: Name): string {
  const text = textOf(values, name);
  if (text === undefined) throw new Misuse(`expected --${name}`);
  return text;
}

function textOf(values: Values, name: Name): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function urlOf(text: string): string {
  if (/^https?:\/\/[^\s?#]+$/.test(text)) return text.replace(/\/+$/, "");
  throw new Misuse(`expected --broker to be an http or https URL, received \`${text}\``);
}

/** What cannot be is misuse: a binding that was asked for is never given up for another. */
function tlsOf(
  values: Values,
  brokers: readonly string[],
): Pick<AgentOptions, "binding" | "tlsAuthoritiesFile" | "tlsPinFile"> {
  const isTls = brokers.some((url) => url.startsWith("https:"));
  if (isTls && !brokers.every((url) => url.startsWith("https:"))) {
    throw new Misuse("expected every --broker with https or every one with http, received both");
  }
  const binding = bindingOf(textOf(values, "binding") ?? (isTls ? "tls-exporter" : "application"));
  const [authorities, pin] = [textOf(values, "tls-ca"), textOf(values, "tls-pin")];
  if (binding !== 3 && !isTls)
    throw new Misuse(`expected --broker https://… with --binding ${BINDING_NAMES[binding]}`);
  if (binding === 3 && (authorities ?? pin) !== undefined) {
    throw new Misuse("expected --tls-ca and --tls-pin with --binding tls-exporter or ra-tls only");
  }
  return {
    binding,
    ...(authorities === undefined ? {} : { tlsAuthoritiesFile: authorities }),
    ...(pin === undefined ? {} : { tlsPinFile: pin }),
  };
}

function bindingOf(name: string): 1 | 2 | 3 {
  const binding = bindingNamed(name);
  if (binding !== undefined) return binding;
  throw new Misuse(`expected --binding tls-exporter, ra-tls or application, received \`${name}\``);
}

function suiteOf(wrap: string): OfferedSuite {
  const suite = OFFERED_SUITES.find((known) => WRAP_OF_SUITE[known] === wrap);
  if (suite === undefined) {
    const known = OFFERED_SUITES.map((offered) => WRAP_OF_SUITE[offered]).join(" or ");
    throw new Misuse(`expected --wrap ${known}, received \`${wrap}\``);
  }
  return suite;
}
