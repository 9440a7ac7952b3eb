/** `ostiary secret …`: secrets by path. Plaintext enters by stdin or file, never by argument, and never comes back out. */
import { CONTEXT_FIELDS, type ContextField } from "../../keys/derivation.ts";
import { RECIPE_NAMES, type Recipe } from "../../keys/recipe.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  adminOptionsOf,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { countOf, oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse } from "../command.ts";
import { LIFE_VERBS } from "../secret-life.ts";
import { printVersion, printVersions, type SecretEdges, type SecretVerb } from "../secret-verb.ts";

const MAX_SECRET_BYTES = 64 * 1024;
const DEFAULT_SIZE = "32";

const USAGE = `ostiary secret put PATH [--file FILE]           the next version, from FILE or standard input
ostiary secret generate PATH [--make RECIPE] [--size BYTES]
                                                a new secret that the broker makes: random bytes (32), or one of
                                                ${RECIPE_NAMES.slice(1, 5).join(", ")},
                                                ${RECIPE_NAMES.slice(5).join(", ")} (PKCS #8)
ostiary secret rotate PATH [--make RECIPE] [--size BYTES]
                                                a fresh version of a generated secret, made like the newest one
ostiary secret derive PATH --by FIELD… [--size BYTES]
                                                a root of which each guest gets a key of its own (32 bytes), by fields of
                                                its report: ${CONTEXT_FIELDS.slice(0, 5).join(", ")}, …
ostiary secret list                             the newest version of every path
ostiary secret show PATH                        every version of one path
ostiary secret public PATH [--version N]        the public half of a key pair, as PEM
ostiary secret disable PATH --version N         no release of this version until it is enabled
ostiary secret enable PATH --version N          takes back \`disable\`, and \`destroy\` while it waits
ostiary secret readers PATH [--version N]       which guests hold which version, and who has confirmed a later one
ostiary secret destroy PATH --version N [--after 7d | --now] [--despite READERS]
                                                no release from now on; after the wait its bytes are gone for good. Refused
                                                while guests hold it, unless their number is named
ostiary secret set PATH [--current N|newest] [--minimum N] [--rotate-every 90d|never] [--retire yes|no]
                        [--lease 10m|none] [--owner NAME] [--label NAME=VALUE]…
                                                what holds for every version; labels replace those that are there
ostiary secret lease PATH [--break FENCE]       who holds a secret that one guest at a time may hold; --break ends the lease
                                                of that fence in its holder's place
ostiary secret bindings PATH NAME…              over which bindings it may be released, beside what policy says:
                                                ra-tls, tls-exporter, application

Plaintext never stands on the command line, and no verb prints it. A wait is a number with s, m, h or d.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client that its options name. */
export function createSecretCommand(open: OpenAdminSession): Command {
  return {
    name: "secret",
    summary:
      "secrets by path: put, generate, derive, rotate, list, show, public, disable, enable, readers, destroy, set, lease, bindings",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = name === undefined ? undefined : VERBS.get(name);
      if (verb === undefined)
        throw new Misuse(`expected one of ${[...VERBS.keys()].join(", ")} after \`secret\``);
      return verb(rest, { open, terminal });
    },
  };
}

const VERBS: ReadonlyMap<string, SecretVerb> = new Map([
  ["put", put],
  ["generate", generate],
  ["derive", derive],
  ["rotate", rotate],
  ["list", list],
  ["show", show],
  ...LIFE_VERBS,
]);

async function put(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
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

const MAKE_OPTIONS = { ...ADMIN_OPTIONS, make: { type: "string" }, size: { type: "string" } } as const;

async function generate(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, MAKE_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const make = recipeOf(values) ?? { name: "bytes", size: Number(DEFAULT_SIZE) };
  const { client } = await open(adminOptionsOf(values));
  printVersion(await client.putSecret(path, { kind: "generated", make }), values.json, terminal);
  return 0;
}

async function rotate(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, MAKE_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const make = recipeOf(values);
  const { client } = await open(adminOptionsOf(values));
  const version = await client.rotateSecret(path, make === undefined ? {} : { make });
  printVersion(version, values.json, terminal);
  return 0;
}

async function derive(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...ADMIN_OPTIONS,
    by: { type: "string", multiple: true },
    size: { type: "string" },
  });
  const path = oneWord(positionals, "PATH");
  const by = values.by?.map(contextFieldOf) ?? [];
  if (by.length === 0)
    throw new Misuse("expected --by FIELD at least once: what of its report names a guest");
  const size = countOf(values.size ?? DEFAULT_SIZE, "--size");
  const { client } = await open(adminOptionsOf(values));
  printVersion(await client.putSecret(path, { kind: "derived", size, by }), values.json, terminal);
  return 0;
}

function contextFieldOf(name: string): ContextField {
  const field = CONTEXT_FIELDS.find((known) => known === name);
  if (field === undefined) throw new Misuse(`expected --by with one of ${CONTEXT_FIELDS.join(", ")}`);
  return field;
}

interface MakeValues {
  readonly make?: string | undefined;
  readonly size?: string | undefined;
}

function recipeOf({ make, size }: MakeValues): Recipe | undefined {
  if (make === undefined && size === undefined) return undefined;
  const name = RECIPE_NAMES.find((known) => known === (make ?? "bytes"));
  if (name === undefined) throw new Misuse(`expected --make with one of ${RECIPE_NAMES.join(", ")}`);
  if (name !== "bytes" && size !== undefined) throw new Misuse("expected --size beside `bytes` only");
  return name === "bytes" ? { name, size: countOf(size ?? DEFAULT_SIZE, "--size") } : { name };
}

async function list(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  printVersions(await client.listSecrets(), json, terminal);
  return 0;
}

async function show(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const path = oneWord(positionals, "PATH");
  const { client } = await open(adminOptionsOf(values));
  printVersions(await client.showSecret(path), values.json, terminal);
  return 0;
}
