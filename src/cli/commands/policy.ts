/** `ostiary policy …`: bundles of release policy on a broker, each step signed by an admin's key. */
import { posix } from "node:path";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { formatInstant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { packBundle } from "../../policy/bundle.ts";
import { signBundle } from "../../policy/signatures.ts";
import { signActivation } from "../../policy/statements.ts";
import {
  encodeActivationSummary,
  encodeBundleDetail,
  encodeBundleList,
  encodeProposalAnswer,
} from "../../wire/bundle.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  adminOptionsOf,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { compileBelow } from "../policy-files.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary policy propose FILE… [--root DIR]   pack, sign and send sources; nothing changes until one is activated
ostiary policy activate DIGEST              make a proposed bundle live from the next decision on
ostiary policy list                         every known bundle, the live one marked
ostiary policy show DIGEST                  modules and sources of one bundle

The first digits of a digest are enough where no other bundle begins with them.
What the sources import comes along, from below the folder of the first FILE or below --root DIR.

${ADMIN_USAGE}`;

export interface PolicyEdges {
  readonly open: OpenAdminSession;
  readonly digest: Primitives["digest"];
}

/** Makes the verb; `open` gives it the client and the key that its options name. */
export function createPolicyCommand(edges: PolicyEdges): Command {
  return {
    name: "policy",
    summary: "release policy on a broker: propose, activate, list, show",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = name === undefined ? undefined : SUBVERBS.get(name);
      if (verb === undefined)
        throw new Misuse(`expected one of ${[...SUBVERBS.keys()].join(", ")} after \`policy\``);
      return verb(rest, { ...edges, terminal });
    },
  };
}

interface Edges extends PolicyEdges {
  readonly terminal: Terminal;
}

type Subverb = (args: readonly string[], edges: Edges) => Promise<ExitStatus>;

const SUBVERBS: ReadonlyMap<string, Subverb> = new Map([
  ["propose", propose],
  ["activate", activate],
  ["list", list],
  ["show", show],
]);

async function propose(args: readonly string[], { open, digest, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, root: { type: "string" } });
  const [first] = positionals;
  if (first === undefined) throw new Misuse("expected at least one FILE to propose");
  const root = values.root ?? posix.dirname(first);
  const sources = await Promise.all(
    positionals.map(async (file) => ({ path: pathBelow(root, file), text: await terminal.readFile(file) })),
  );
  const beside = compileBelow(sources, root, { digest }).beside.filter(
    (file) => !sources.some(({ path }) => path === file.path),
  );
  const { client, signer } = await open(adminOptionsOf(values));
  const { live } = await client.listBundles();
  const tar = packBundle([...sources, ...beside], live?.digest, digest);
  const answer = await client.proposeBundle({ tar, signature: await signBundle(tar, signer) });
  if (values.json === true) terminal.out(`${encodeProposalAnswer(answer)}\n`);
  else {
    terminal.out(`${answer.isNew ? "proposed" : "already proposed"} ${answer.digest}\n`);
    terminal.out(`next: ostiary policy activate ${answer.digest.slice(0, 12)}\n`);
  }
  return 0;
}

async function activate(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const { client, signer, audience, now } = await open(adminOptionsOf(values));
  const digest = await wholeDigest(digits, client);
  const { live, roster = null } = await client.listBundles();
  const serial = (live?.serial ?? 0) + 1;
  const order = await signActivation({ digest, serial, audience, at: now(), roster }, signer);
  const activation = await client.activateBundle(digest, order);
  terminal.out(
    values.json === true
      ? `${encodeActivationSummary(activation)}\n`
      : `live: ${activation.digest} (activation ${activation.serial})\n`,
  );
  return 0;
}

async function list(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  const known = await client.listBundles();
  if (json === true) {
    terminal.out(`${encodeBundleList(known)}\n`);
    return 0;
  }
  const rows = known.bundles.map(({ digest, proposedAt, proposedBy }) => [
    digest === known.live?.digest ? "live" : "",
    digest,
    formatInstant(proposedAt),
    proposedBy,
  ]);
  terminal.out(rows.length === 0 ? "no bundles\n" : tableOf([["", "DIGEST", "PROPOSED", "BY"], ...rows]));
  return 0;
}

async function show(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const { client } = await open(adminOptionsOf(values));
  const bundle = await client.showBundle(await wholeDigest(digits, client));
  if (values.json === true) {
    terminal.out(`${encodeBundleDetail(bundle)}\n`);
    return 0;
  }
  const modules = bundle.modules.map(({ name, version }) => `${name} ${version}`).join(", ");
  terminal.out(
    `${bundle.digest}\nproposed ${formatInstant(bundle.proposedAt)} by ${bundle.proposedBy}\n${modules}\n`,
  );
  for (const { path, text } of bundle.sources) terminal.out(`\n── ${path}\n${printable(text)}\n`);
  return 0;
}

/** @throws {@link Fault} `policy/unknown` where none or several bundles begin with these digits. */
async function wholeDigest(digits: string, client: AdminClient): Promise<string> {
  if (!/^[0-9a-f]{4,64}$/.test(digits))
    throw new Misuse("expected at least four digits of a bundle's digest");
  const { bundles } = await client.listBundles();
  const matching = bundles.filter(({ digest }) => digest.startsWith(digits));
  const [found] = matching;
  if (found !== undefined && matching.length === 1) return found.digest;
  throw new Fault(
    "policy/unknown",
    `expected one bundle that begins with \`${digits}\`, received ${matching.length}`,
  );
}

/** The name of a file inside its bundle. */
function pathBelow(root: string, file: string): string {
  const path = posix.relative(root, file);
  if (path !== "" && !path.startsWith("../") && path !== "..") return path;
  throw new Misuse(`expected \`${file}\` to lie below \`${root}\`; name another folder with --root`);
}

/** Sources are read before they are trusted: they may not write to the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "?");
}
