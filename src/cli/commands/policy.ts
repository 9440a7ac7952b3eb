/** `ostiary policy …`: bundles of release policy on a broker, each step signed by an admin's key. */
import { formatInstant } from "../../base/time.ts";
import { signBundle } from "../../policy/signatures.ts";
import { encodeBundleDetail, encodeBundleList, encodeProposalAnswer } from "../../wire/bundle.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, openedBy } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse } from "../command.ts";
import { activateIt } from "../policy/activation.ts";
import { approve, diff, review, rollback } from "../policy/agreement.ts";
import { packFiles } from "../policy/bundles.ts";
import { apply, drift, plan } from "../policy/declared.ts";
import type { Edges, PolicyEdges, Subverb } from "../policy/edges.ts";
import { explain } from "../policy/explain.ts";
import { narrow } from "../policy/narrow.ts";
import { replay } from "../policy/replay.ts";
import { shadow } from "../policy/shadow.ts";
import { wholeDigest } from "../policy/whole-digest.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary policy propose FILE… [--root DIR]   pack, sign and send sources; nothing changes until one is activated
ostiary policy review DIGEST                what it would change, shown by requests, and who must still approve
ostiary policy approve DIGEST [--reject]    say yes or no to it, after comparing its sources on this machine too
ostiary policy activate DIGEST              make it live from the next decision on, once enough others agreed
ostiary policy rollback DIGEST              the sources of an earlier bundle as the next one
ostiary policy diff FILE… [--root DIR]      what local sources would change of what is live
ostiary policy list                         every known bundle, the live one marked
ostiary policy show DIGEST                  modules and sources of one bundle
ostiary policy replay CANDIDATE [--since TIME] [--until TIME] [--limit N]
                                            what a DIGEST or a folder would have said to the guests of the past
ostiary policy explain DIGEST --because TEXT [--resource PATTERN]
                                            sign why it may let in whom the live bundle refuses
ostiary policy shadow [DIGEST [--until TIME] | --stop]
                                            show it every decision and keep where it differs; or show what differed
ostiary policy drift DIR                    whether the folder's sources are what is live (status 1: they are not)
ostiary policy plan DIR                     what the folder's sources would change, and for whom (status 1: something)
ostiary policy apply DIR [--explain TEXT] [--propose-only]
                                            propose the folder's sources, and make them live
ostiary policy narrow --since TIME [--out DIR]
                                            sources without what nobody used since then, where that is proven to let
                                            nobody in (status 1: something can be cut)
ostiary policy import-trustee POLICY [--attestation FILE] [--reference-values FILE] [--out FILE]
                                            a Trustee's resource policy as Writ, without a broker; what could not be
                                            carried over is told by line (status 1: something)

  --valid TIME     approve: until when it counts (7d, at most 30d)
  --full           diff: both traces of each request

The first digits of a digest are enough where no other bundle begins with them.
What the sources import comes along, from below the folder of the first FILE or below --root DIR.

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client and the key that its options name. */
export function createPolicyCommand(edges: PolicyEdges): Command {
  return {
    name: "policy",
    summary:
      "release policy on a broker: propose, review, approve, activate, roll back, replay, shadow, plan, apply, import",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const verb = name === undefined ? undefined : SUBVERBS.get(name);
      if (verb === undefined)
        throw new Misuse(`expected one of ${[...SUBVERBS.keys()].join(", ")} after \`policy\``);
      return verb(rest, { ...edges, terminal });
    },
  };
}

const SUBVERBS: ReadonlyMap<string, Subverb> = new Map([
  ["propose", propose],
  ["review", review],
  ["approve", approve],
  ["activate", activate],
  ["rollback", rollback],
  ["diff", diff],
  ["list", list],
  ["show", show],
  ["replay", replay],
  ["explain", explain],
  ["shadow", shadow],
  ["plan", plan],
  ["apply", apply],
  ["drift", drift],
  ["narrow", narrow],
  ["import-trustee", importIt],
]);

/** Its reader of Rego is loaded when it is asked for. */
async function importIt(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { importFromTrustee } = await import("../policy/import-trustee.ts");
  return importFromTrustee(args, edges);
}

async function propose(args: readonly string[], { open, digest, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, root: { type: "string" } });
  if (positionals.length === 0) throw new Misuse("expected at least one FILE to propose");
  const { client, signer } = await open(adminOptionsOf(values));
  const { live } = await client.listBundles();
  const where = { root: values.root, previous: live?.digest };
  const tar = await packFiles(positionals, where, { digest, terminal });
  const answer = await client.proposeBundle({ tar, signature: await signBundle(tar, signer) });
  if (values.json === true) terminal.out(`${encodeProposalAnswer(answer)}\n`);
  else {
    const { finding, isApproved } = await client.reviewBundle(answer.digest);
    terminal.out(`${answer.isNew ? "proposed" : "already proposed"} ${answer.digest}: ${TOLD[finding]}\n`);
    terminal.out(
      `next: ostiary policy ${isApproved ? "activate" : "review"} ${answer.digest.slice(0, 12)}\n`,
    );
  }
  return 0;
}

const TOLD = {
  same: "allows what is allowed now",
  narrows: "narrows what is allowed",
  widens: "widens what is allowed",
} as const;

async function activate(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const session = await open(adminOptionsOf(values));
  return activateIt(await wholeDigest(digits, session.client), session, { json: values.json, terminal });
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
  for (const warning of known.warnings) terminal.err(`warning: ${warning}\n`);
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

/** Sources are read before they are trusted: they may not write to the terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "?");
}
