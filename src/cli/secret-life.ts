/** Which words after `ostiary secret` change how long a version lives, and what holds for all of them? */

import { formatInstant } from "../base/time.ts";
import { ALL_BINDING_NAMES, ALL_BINDINGS, BINDING_NAMES, bindingNamed } from "../channel/binding-names.ts";
import { encodeReaderList } from "../wire/readers.ts";
import type { ReaderList, SecretChange, SecretSettingsChange } from "../wire/secret-messages.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "./admin-session.ts";
import { countOf, oneWord, parseArguments, secondsOf } from "./arguments.ts";
import { type ExitStatus, Misuse } from "./command.ts";
import { leaseOf } from "./secret-lease.ts";
import { printVersions, type SecretEdges, type SecretVerb } from "./secret-verb.ts";
import { tableOf } from "./table.ts";

const DEFAULT_WAIT = "7d";
const VERSION_OPTIONS = { ...ADMIN_OPTIONS, version: { type: "string" } } as const;

export const LIFE_VERBS: ReadonlyMap<string, SecretVerb> = new Map([
  ["public", printPublicKey],
  ["disable", (args, edges) => setState("disabled", args, edges)],
  ["enable", (args, edges) => setState("enabled", args, edges)],
  ["destroy", destroy],
  ["readers", listReaders],
  ["set", change],
  ["bindings", setBindings],
  ["lease", leaseOf],
]);

type AdminValues = Parameters<typeof adminOptionsOf>[0] & { readonly json?: boolean | undefined };

interface Order {
  readonly path: string;
  readonly change: SecretChange;
  readonly values: AdminValues;
}

async function carryOut(order: Order, { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { client } = await open(adminOptionsOf(order.values));
  printVersions(await client.changeSecret(order.path, order.change), order.values.json, terminal);
  return 0;
}

async function setState(
  state: "enabled" | "disabled",
  args: readonly string[],
  edges: SecretEdges,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, VERSION_OPTIONS);
  const path = oneWord(positionals, "PATH");
  return carryOut({ path, change: { version: versionOf(values.version), state }, values }, edges);
}

async function destroy(args: readonly string[], edges: SecretEdges): Promise<ExitStatus> {
  const options = {
    ...VERSION_OPTIONS,
    after: { type: "string" },
    now: { type: "boolean" },
    despite: { type: "string" },
  } as const;
  const { values, positionals } = parseArguments(args, options);
  const path = oneWord(positionals, "PATH");
  const version = versionOf(values.version);
  if (values.now === true && values.after !== undefined)
    throw new Misuse("expected --after or --now, received both");
  const destroyAfter = secondsOf(values.after ?? DEFAULT_WAIT, "--after");
  const despite = values.despite === undefined ? {} : { despite: countOf(values.despite, "--despite") };
  const how =
    values.now === true
      ? ({ version, state: "destroyed", ...despite } as const)
      : { version, destroyAfter, ...despite };
  return carryOut({ path, change: how, values }, edges);
}

function versionOf(text: string | undefined): number {
  if (text === undefined) throw new Misuse("expected --version N: which version is meant");
  return countOf(text, "--version");
}

const SETTING_OPTIONS = {
  ...ADMIN_OPTIONS,
  current: { type: "string" },
  minimum: { type: "string" },
  "rotate-every": { type: "string" },
  retire: { type: "string" },
  lease: { type: "string" },
  owner: { type: "string" },
  label: { type: "string", multiple: true },
} as const;

async function change(args: readonly string[], edges: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, SETTING_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const settings = settingsOf(values);
  if (Object.keys(settings).length === 0)
    throw new Misuse("expected at least one of the options that set something");
  return carryOut({ path, change: settings, values }, edges);
}

type SettingValues = ReturnType<typeof parseArguments<typeof SETTING_OPTIONS>>["values"];

/** `undefined` where the option was not given, `null` for the word that takes the choice back. */
function choiceOf(text: string | undefined, none: string, read: (text: string) => number) {
  if (text === undefined) return undefined;
  return text === none ? null : read(text);
}

function settingsOf(values: SettingValues): SecretSettingsChange {
  const { minimum, retire, owner, label } = values;
  const chosen = {
    current: choiceOf(values.current, "newest", (text) => countOf(text, "--current")),
    minimum: minimum === undefined ? undefined : countOf(minimum, "--minimum"),
    rotateSeconds: choiceOf(values["rotate-every"], "never", (text) => secondsOf(text, "--rotate-every")),
    retire: retire === undefined ? undefined : yesOrNo(retire, "--retire"),
    leaseSeconds: choiceOf(values.lease, "none", (text) => secondsOf(text, "--lease")),
    owner,
    labels: label && Object.fromEntries(label.map(labelOf)),
  };
  return Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
}

function yesOrNo(text: string, name: string): boolean {
  if (text === "yes" || text === "no") return text === "yes";
  throw new Misuse(`expected ${name} yes or no, received \`${text}\``);
}

function labelOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) throw new Misuse(`expected --label NAME=VALUE, received \`${text}\``);
  return [text.slice(0, at), text.slice(at + 1)];
}

async function setBindings(args: readonly string[], edges: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const [path, ...names] = positionals;
  if (path === undefined || names.length === 0) throw new Misuse("expected PATH and at least one binding");
  const bindings = ALL_BINDINGS.filter((binding) => names.includes(BINDING_NAMES[binding]));
  const stray = names.find((name) => bindingNamed(name) === undefined);
  if (stray !== undefined) {
    throw new Misuse(`expected bindings out of ${ALL_BINDING_NAMES.join(", ")}, received \`${stray}\``);
  }
  return carryOut({ path, change: { bindings }, values }, edges);
}

async function listReaders(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, VERSION_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const version = values.version === undefined ? undefined : countOf(values.version, "--version");
  const { client } = await open(adminOptionsOf(values));
  const list = await client.listReaders(path, version);
  terminal.out(values.json === true ? `${encodeReaderList(list)}\n` : readerTable(list));
  return 0;
}

function readerTable({ readers, holding }: ReaderList): string {
  if (readers.length === 0) return "nobody has read it\n";
  const head = ["VERSION", "READER", "FIRST", "LAST", "DECISION", "CONFIRMED"];
  const rows = readers.map(({ version, reader, firstAt, lastAt, decision = "-", confirmedAt }) => [
    String(version),
    reader,
    formatInstant(firstAt),
    formatInstant(lastAt),
    decision,
    confirmedAt === undefined ? "no" : formatInstant(confirmedAt),
  ]);
  const lines = holding.map(({ version, readers: count }) => `version ${version} is held by ${count}\n`);
  return `${tableOf([head, ...rows])}${lines.join("")}`;
}

/** RFC 7468 section 13. */
async function printPublicKey(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, VERSION_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const wanted = values.version === undefined ? undefined : countOf(values.version, "--version");
  const { client } = await open(adminOptionsOf(values));
  const versions = await client.showSecret(path);
  const found = versions.find(({ version }) => wanted === undefined || version === wanted);
  if (found?.publicKey === undefined) {
    terminal.err(`expected a key pair, version ${found?.version ?? wanted} of ${path} has no public half\n`);
    return 1;
  }
  const lines = toBase64(found.publicKey).match(/.{1,64}/g) ?? [];
  terminal.out(`-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`);
  return 0;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
