/** `ostiary secret …`: secrets by path. Plaintext enters by stdin or file, never by argument, and never comes back out. */
import { formatInstant } from "../../base/time.ts";
import { ALL_BINDING_NAMES, ALL_BINDINGS, BINDING_NAMES, bindingNamed } from "../../channel/binding-names.ts";
import type { SecretSummary } from "../../wire/messages.ts";
import { encodeSecretList, encodeSecretSummary } from "../../wire/secret.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  adminOptionsOf,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { countOf, oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";

const MAX_SECRET_BYTES = 64 * 1024;
const DEFAULT_SIZE = "32";

const USAGE = `ostiary secret put PATH [--file FILE]           the next version, from FILE or standard input
ostiary secret generate PATH [--size BYTES]     a new secret of random bytes (32)
ostiary secret rotate PATH [--size BYTES]       a fresh version of a generated secret
ostiary secret list                             the newest version of every path
ostiary secret show PATH                        every version of one path
ostiary secret disable PATH --version N         no release of this version until it is enabled
ostiary secret enable PATH --version N
ostiary secret destroy PATH --version N         its bytes are gone for good
ostiary secret bindings PATH NAME…              over which bindings it may be released, beside what policy says:
                                                ra-tls, tls-exporter, application

Plaintext never stands on the command line, and no verb prints it.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client that its options name. */
export function createSecretCommand(open: OpenAdminSession): Command {
  return {
    name: "secret",
    summary: "secrets by path: put, generate, rotate, list, show, disable, enable, destroy, bindings",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = name === undefined ? undefined : SUBVERBS.get(name);
      if (verb === undefined)
        throw new Misuse(`expected one of ${[...SUBVERBS.keys()].join(", ")} after \`secret\``);
      return verb(rest, { open, terminal });
    },
  };
}

interface Edges {
  readonly open: OpenAdminSession;
  readonly terminal: Terminal;
}

type Subverb = (args: readonly string[], edges: Edges) => Promise<ExitStatus>;

const SUBVERBS: ReadonlyMap<string, Subverb> = new Map([
  ["put", put],
  ["generate", generate],
  ["rotate", rotate],
  ["list", list],
  ["show", show],
  ["disable", (args, edges) => setState("disabled", args, edges)],
  ["enable", (args, edges) => setState("enabled", args, edges)],
  ["destroy", (args, edges) => setState("destroyed", args, edges)],
  ["bindings", setBindings],
]);

async function put(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, file: { type: "string" } });
  const path = oneWord(positionals, "PATH");
  const { client } = await open(adminOptionsOf(values));
  const plaintext = await terminal.readFile(values.file ?? "-", MAX_SECRET_BYTES);
  try {
    printVersion(await client.putSecret(path, { kind: "static", plaintext }), values.json, terminal);
  } finally {
    plaintext.fill(0);
  }
  return 0;
}

async function generate(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, size: { type: "string" } });
  const path = oneWord(positionals, "PATH");
  const size = countOf(values.size ?? DEFAULT_SIZE, "--size");
  const { client } = await open(adminOptionsOf(values));
  printVersion(await client.putSecret(path, { kind: "generated", size }), values.json, terminal);
  return 0;
}

async function rotate(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, size: { type: "string" } });
  const path = oneWord(positionals, "PATH");
  const size = countOf(values.size ?? DEFAULT_SIZE, "--size");
  const { client } = await open(adminOptionsOf(values));
  printVersion(await client.rotateSecret(path, { size }), values.json, terminal);
  return 0;
}

async function list(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  printVersions(await client.listSecrets(), json, terminal);
  return 0;
}

async function show(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const { client } = await open(adminOptionsOf(values));
  printVersions(await client.showSecret(path), values.json, terminal);
  return 0;
}

async function setState(
  state: SecretSummary["state"],
  args: readonly string[],
  { open, terminal }: Edges,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, version: { type: "string" } });
  const path = oneWord(positionals, "PATH");
  if (values.version === undefined) throw new Misuse("expected --version N: which version is meant");
  const version = countOf(values.version, "--version");
  const { client } = await open(adminOptionsOf(values));
  printVersions(await client.setSecretState(path, { version, state }), values.json, terminal);
  return 0;
}

async function setBindings(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const [path, ...names] = positionals;
  if (path === undefined || names.length === 0) throw new Misuse("expected PATH and at least one binding");
  const bindings = ALL_BINDINGS.filter((binding) => names.includes(BINDING_NAMES[binding]));
  const stray = names.find((name) => bindingNamed(name) === undefined);
  if (stray !== undefined) {
    throw new Misuse(`expected bindings out of ${ALL_BINDING_NAMES.join(", ")}, received \`${stray}\``);
  }
  const { client } = await open(adminOptionsOf(values));
  printVersions(await client.setSecretBindings(path, { bindings }), values.json, terminal);
  return 0;
}

function printVersion(secret: SecretSummary, isJson: boolean | undefined, terminal: Terminal): void {
  const { path, version, state } = secret;
  terminal.out(
    isJson === true ? `${encodeSecretSummary(secret)}\n` : `${path} version ${version} ${state}\n`,
  );
}

function printVersions(
  secrets: readonly SecretSummary[],
  isJson: boolean | undefined,
  terminal: Terminal,
): void {
  if (isJson === true) {
    terminal.out(`${encodeSecretList(secrets)}\n`);
    return;
  }
  const head = ["PATH", "VERSION", "STATE", "KIND", "CREATED", "BY"];
  const rows = secrets.map(({ path, version, state, kind, createdAt, createdBy }) => [
    path,
    String(version),
    state,
    kind,
    formatInstant(createdAt),
    createdBy,
  ]);
  terminal.out(secrets.length === 0 ? "no secrets\n" : tableOf([head, ...rows]));
  const chosen = secrets[0]?.bindings;
  if (chosen !== undefined) {
    terminal.out(`released over ${chosen.map((binding) => BINDING_NAMES[binding]).join(", ")} only\n`);
  }
}
