/** Which settings may come from the environment, in place of the file's? Each `OSTIARY_*` stands for one member; no other is ignored. */
import { parse } from "smol-toml";

type Form = "text" | "value";

/**
 * A variable is named after its member: `listen.port` is `OSTIARY_LISTEN_PORT`. A `text` is taken as it stands; a `value` is
 * written as in TOML: a number, `true`, a list. An empty one takes the member away. Who is an admin, which mode this is and whom it trusts are the file's alone.
 */
export const SETTINGS: Readonly<Record<string, Form>> = {
  audience: "text",
  tenant: "text",
  region: "text",
  environment: "text",
  log_level: "text",
  suites: "value",
  "listen.host": "text",
  "listen.port": "value",
  "listen.processes": "value",
  "listen.external_url": "text",
  "listen.bindings": "value",
  "listen.tls.cert_file": "text",
  "listen.tls.key_file": "text",
  "files.kek": "text",
  "files.signing_key": "text",
  "files.ledger_key": "text",
  "files.database": "text",
  "store.url": "text",
  "store.password_file": "text",
  "store.ca_file": "text",
  "store.tls": "text",
  "kek.file": "text",
  "kek.credential": "text",
  "kek.environment": "text",
  "kek.pkcs11.module": "text",
  "kek.pkcs11.token": "text",
  "kek.pkcs11.key": "text",
  "kek.pkcs11.pin_file": "text",
  "kek.pkcs11.pin_credential": "text",
  "kek.pkcs11.pin_environment": "text",
  "kek.tpm.device": "text",
  "kek.tpm.sealed": "text",
  "kek.shares": "text",
  "kds.enabled": "value",
  "kds.url": "text",
  "kds.mirror": "text",
  "kds.timeout_seconds": "value",
  "providers.google_firmware_url": "text",
  "nonce.lifetime_seconds": "value",
  "rates.challenges_per_source": "value",
  "rates.challenges_per_broker": "value",
  "tokens.max_lifetime_seconds": "value",
  "tokens.max_evidence_age_seconds": "value",
  "kbs.versions": "value",
  "findings.scan_every": "text",
  "findings.advisory_max_age": "text",
  "findings.declared": "text",
  "findings.owner": "text",
  "health.details": "text",
  "traces.endpoint": "text",
  "traces.ca_file": "text",
  "traces.header_file": "text",
  "traces.ratio": "value",
  "traces.per_second": "value",
  "traces.guest_parent": "text",
  "attestation.cluster": "text",
  "attestation.vmpl": "value",
  "attestation.tsm_dir": "text",
  "attestation.run_dir": "text",
  "attestation.fresh_per_second": "value",
  "ledger.readers": "text",
  "ledger.head_file": "text",
  "ledger.keep_traces_days": "value",
  "ledger.salt_file": "text",
  "ledger.salt_chip_ids": "value",
  "ledger.receipt_witnesses": "value",
  "ledger.receipt_wait_seconds": "value",
  "ledger.tpm_counter.device": "text",
  "ledger.tpm_counter.index": "text",
  "ledger.tpm_counter.every_minutes": "value",
};

const PREFIX = "OSTIARY_";

export type Environment = Readonly<Record<string, string | undefined>>;
type Tree = Readonly<Record<string, unknown>>;

/** The file's tables with what the environment says in the place of what they say. */
export interface Overlaid {
  readonly tree: unknown;
  /** Variables that stand for no member. */
  readonly unknown: readonly string[];
}

/** Puts the variables over what was read. A member that is no table stays, for the schema to refuse. */
export function overlaid(read: unknown, environment: Environment): Overlaid {
  const members = new Map(Object.keys(SETTINGS).map((member) => [variableOf(member), member]));
  let tree = read;
  const others: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const member = members.get(name);
    if (member === undefined) others.push(name);
    else tree = replaced(tree, member.split("."), settingOf(member, text));
  }
  const keys = new Set(keyVariables(tree));
  return { tree, unknown: others.filter((name) => !keys.has(name)).sort() };
}

function variableOf(member: string): string {
  return PREFIX + member.replaceAll(".", "_").toUpperCase();
}

function settingOf(member: string, text: string): unknown {
  if (text === "") return undefined;
  if (SETTINGS[member] === "text") return text;
  try {
    const { value, ...more } = parse(`value = ${text}`);
    return Object.keys(more).length === 0 ? value : text;
  } catch {
    return text; // which the schema refuses, naming the member
  }
}

/** A member without a value is not there at all. */
function replaced(tree: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  if (tree !== undefined && !isTree(tree)) return tree;
  const { [name]: before, ...others } = tree ?? {};
  const after = replaced(before, rest, value);
  if (after !== undefined) return { ...others, [name]: after };
  return tree === undefined ? undefined : others;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The variables that hold root keys or PINs themselves: `environment` and `pkcs11.pin_environment` of `[kek]`, and those of `[[kek.also]]`. */
function keyVariables(tree: unknown): readonly string[] {
  const kek = isTree(tree) ? tree["kek"] : undefined;
  if (!isTree(kek)) return [];
  const also: readonly unknown[] = Array.isArray(kek["also"]) ? kek["also"] : [];
  return [kek, ...also].flatMap((place) => {
    if (!isTree(place)) return [];
    const token = isTree(place["pkcs11"]) ? place["pkcs11"] : {};
    return [place["environment"], token["pin_environment"]].filter((name) => typeof name === "string");
  });
}
