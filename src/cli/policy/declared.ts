/** `ostiary policy plan|apply|drift`: a folder declares what is to be live; what differs, what would that do, and let it be so. */
import { hexOf, utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import { type Fault, isFault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { type Drift, driftOf, type PolicyFiles } from "../../policy/drift.ts";
import { signBundle } from "../../policy/signatures.ts";
import { signActivation } from "../../policy/statements.ts";
import type { BundleDetail } from "../../wire/messages.ts";
import { tallyJson } from "../../wire/replay.ts";
import { diffJson } from "../../writ/diff/json.ts";
import { renderDiff } from "../../writ/diff/render.ts";
import { ADMIN_OPTIONS, type AdminSession, adminOptionsOf } from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { archiveOf, type Checkout, commitIn, readCheckout } from "./checkout.ts";
import type { Edges } from "./edges.ts";
import { explainAll } from "./explain.ts";
import { replayAll } from "./replay.ts";
import { replayText } from "./replay-text.ts";

/** As many of the newest decisions as the broker looks at where a bundle becomes live. */
const REPLAYED = 1000;

/** Status 1 where what is live is not what the folder declares. */
export async function drift(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const folder = oneWord(positionals, "DIR");
  const sides = await sidesOf(folder, await edges.open(adminOptionsOf(values)), edges);
  edges.terminal.out(values.json === true ? `${canonicalJson(driftJson(sides))}\n` : driftText(sides));
  return sides.drift.kind === "none" ? 0 : 1;
}

/** Status 1 where there is something to apply. */
export async function plan(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const folder = oneWord(positionals, "DIR");
  const session = await edges.open(adminOptionsOf(values));
  const sides = await sidesOf(folder, session, edges);
  const { terminal } = edges;
  if (sides.drift.kind === "none") {
    terminal.out(values.json === true ? `${canonicalJson(driftJson(sides))}\n` : driftText(sides));
    return 0;
  }
  const tar = archiveOf(sides.checkout, sides.live?.digest, edges.digest);
  const { tally } = await replayAll({ tar, limit: REPLAYED }, session.client, terminal);
  if (values.json === true) {
    terminal.out(`${canonicalJson({ ...driftJson(sides), replay: tallyJson(tally) })}\n`);
    return 1;
  }
  const diff = diffText(sides.drift);
  terminal.out(`${driftText(sides)}${diff}${replayText(tally)}\nnext: ostiary policy apply ${folder}\n`);
  return 1;
}

const APPLY_OPTIONS = {
  ...ADMIN_OPTIONS,
  explain: { type: "string" },
  "propose-only": { type: "boolean" },
} as const;

/** Proposes what the folder declares, and makes it live where nothing stands against that; else status 1, and it stays proposed. */
export async function apply(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, APPLY_OPTIONS);
  const folder = oneWord(positionals, "DIR");
  if (values.explain === "") throw new Misuse("expected --explain TEXT: why gains are meant");
  const session = await edges.open(adminOptionsOf(values));
  const sides = await sidesOf(folder, session, edges);
  const tell = (facts: JsonObject, text: string): void =>
    edges.terminal.out(values.json === true ? `${canonicalJson(facts)}\n` : text);
  if (sides.drift.kind === "none") {
    tell(
      { applied: false, live: sides.live?.digest ?? null },
      "nothing to apply: what is declared is live\n",
    );
    return 0;
  }
  const digest = await propose(sides, session, edges);
  if (values["propose-only"] === true) {
    tell(
      { applied: false, proposed: digest },
      `proposed ${digest}\nnext: ostiary policy activate ${digest.slice(0, 12)}\n`,
    );
    return 0;
  }
  if (values.explain !== undefined) {
    await explainAll({ digest, because: values.explain }, session, edges.terminal);
  }
  const refusal = await refusalOfActivation(digest, session);
  if (refusal !== undefined) {
    const { code, message } = refusal;
    tell(
      { applied: false, proposed: digest, code },
      `proposed ${digest}\nnot live yet: ${message} (${code})\n`,
    );
    return 1;
  }
  tell({ applied: true, live: digest }, `live: ${digest}\n`);
  return 0;
}

async function propose(
  { checkout, live }: Sides,
  { client, signer }: AdminSession,
  { digest }: Edges,
): Promise<string> {
  const tar = archiveOf(checkout, live?.digest, digest);
  return (await client.proposeBundle({ tar, signature: await signBundle(tar, signer) })).digest;
}

/** What stands against it is the broker's to say: a gain that nobody explained, people who have yet to approve. */
async function refusalOfActivation(
  digest: string,
  { client, signer, audience, now }: AdminSession,
): Promise<Fault | undefined> {
  const { live, roster = null } = await client.listBundles();
  const serial = (live?.serial ?? 0) + 1;
  const order = await signActivation({ digest, serial, audience, at: now(), roster }, signer);
  try {
    await client.activateBundle(digest, order);
    return undefined;
  } catch (thrown) {
    if (isFault(thrown) && !OUT_OF_REACH.has(thrown.code)) return thrown;
    throw thrown;
  }
}

const OUT_OF_REACH: ReadonlySet<string> = new Set(["broker/unreachable", "internal/invariant"]);

// ── both sides ──────────────────────────────────────────────────────────────────────────────────────────────────────

interface Sides {
  readonly folder: string;
  readonly checkout: Checkout;
  readonly live:
    | { readonly digest: string; readonly serial: number; readonly files: PolicyFiles }
    | undefined;
  readonly drift: Drift;
}

async function sidesOf(folder: string, { client }: AdminSession, edges: Edges): Promise<Sides> {
  const checkout = await readCheckout(folder, edges);
  const { live } = await client.listBundles();
  if (live === undefined) {
    return { folder, checkout, live, drift: driftOf(checkout.files, new Map(), edges.digest) };
  }
  const { sources } = await client.showBundle(live.digest);
  const files = liveFiles(sources, checkout.files, edges.digest);
  const { digest, serial } = live;
  return {
    folder,
    checkout,
    live: { digest, serial, files },
    drift: driftOf(checkout.files, files, edges.digest),
  };
}

/** A file that is no text is not told; whether it is the declared one, its hash in the manifest says. */
function liveFiles(
  sources: BundleDetail["sources"],
  declared: PolicyFiles,
  digest: Edges["digest"],
): PolicyFiles {
  const hashOf = (bytes: Uint8Array): string => hexOf(digest("sha256", bytes));
  const manifest = sources.find(({ path }) => path === "bundle.json")?.text ?? "{}";
  const limits = { maxBytes: 1 << 20, maxDepth: 8, code: "policy/malformed" } as const;
  const value = parseStrictJson(utf8(manifest), limits);
  const hashes = isJsonObject(value) && isJsonObject(value["files"]) ? value["files"] : {};
  return new Map(
    sources.map(({ path, text }) => {
      const [told, mine] = [utf8(text), declared.get(path)];
      const isMine = mine !== undefined && hashOf(mine) === hashes[path] && hashOf(told) !== hashes[path];
      return [path, isMine ? mine : told];
    }),
  );
}

function driftText({ folder, checkout, live, drift: { kind, added, changed, removed } }: Sides): string {
  const from = live === undefined ? undefined : commitIn(live.files);
  const told = (commit: string | undefined): string =>
    commit === undefined ? "" : `, commit ${commit.slice(0, 12)}`;
  const lines = [
    `live       ${live === undefined ? "nothing" : `${live.digest} (activation ${live.serial})`}${told(from)}`,
    `declared   ${folder}${told(checkout.commit)}`,
    ...added.map((path) => `  + ${path}`),
    ...changed.map((path) => `  ~ ${path}`),
    ...removed.map((path) => `  - ${path}`),
    WORDS[kind],
  ];
  return `${lines.join("\n")}\n`;
}

const WORDS: Readonly<Record<Drift["kind"], string>> = {
  none: "no drift: what is declared is live",
  bytes: "drift in bytes alone: both mean the same over all requests",
  meaning: "drift in meaning",
};

function driftJson({
  folder,
  checkout,
  live,
  drift: { kind, added, changed, removed, diff },
}: Sides): JsonObject {
  const from = live === undefined ? undefined : commitIn(live.files);
  return {
    folder,
    declaredCommit: checkout.commit ?? null,
    live: live?.digest ?? null,
    liveCommit: from ?? null,
    drift: kind,
    added: [...added],
    changed: [...changed],
    removed: [...removed],
    ...(diff === undefined ? {} : { diff: diffJson(diff, []) }),
  };
}

function diffText({ diff }: Drift): string {
  if (diff === undefined) return "";
  const names = { older: "what is live", newer: "what is declared" };
  return `\n${renderDiff(diff, { names, changes: [], isFull: false })}\n`;
}
