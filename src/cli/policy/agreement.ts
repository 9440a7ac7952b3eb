/** `ostiary policy review|approve|diff|rollback`: what a bundle would change, and what people say to it. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { addSeconds, formatInstant } from "../../base/time.ts";
import type { AdminClient } from "../../client/admin.ts";
import { signApproval } from "../../policy/approval.ts";
import { type Bundle, loadBundle } from "../../policy/bundle.ts";
import { verdictDigest } from "../../policy/finding.ts";
import { type Gate, gateOf } from "../../policy/gate.ts";
import { signBundle } from "../../policy/signatures.ts";
import type { PolicyReview } from "../../wire/governance-messages.ts";
import { encodePolicyReview } from "../../wire/review.ts";
import { diffJson } from "../../writ/diff/json.ts";
import { renderDiff } from "../../writ/diff/render.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { oneWord, parseArguments, secondsOf } from "../arguments.ts";
import type { ExitStatus } from "../command.ts";
import { activateIt } from "./activation.ts";
import { fetchedBundle, packAgain, packFiles } from "./bundles.ts";
import type { Edges } from "./edges.ts";
import { wholeDigest } from "./whole-digest.ts";

const DEFAULT_LIFE = "7d";

/** Shows what changes, by the broker's own reckoning, and who must still approve. Ends with 1 while somebody must. */
export async function review(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const { client } = await open(adminOptionsOf(values));
  const found = await client.reviewBundle(await wholeDigest(digits, client));
  terminal.out(values.json === true ? `${encodePolicyReview(found)}\n` : reviewText(found));
  return found.isApproved ? 0 : 1;
}

/** Compares once more on this machine what the broker compared, and signs what both found. */
export async function approve(
  args: readonly string[],
  { open, digest, terminal }: Edges,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...ADMIN_OPTIONS,
    reject: { type: "boolean" },
    valid: { type: "string" },
  });
  const digits = oneWord(positionals, "DIGEST");
  const seconds = secondsOf(values.valid ?? DEFAULT_LIFE, "--valid");
  const { client, signer, audience, now } = await open(adminOptionsOf(values));
  const found = await client.reviewBundle(await wholeDigest(digits, client));
  await refuseOtherFinding(found, client, digest);
  const statement = {
    decision: values.reject === true ? ("reject" as const) : ("approve" as const),
    digest: found.digest,
    serial: found.serial,
    audience,
    expires: addSeconds(now(), seconds),
    verdict: verdictDigest(
      { digest: found.digest, previous: found.previous, finding: found.finding },
      digest,
    ),
  };
  const after = await client.approveBundle(found.digest, await signApproval(statement, signer));
  terminal.out(values.json === true ? `${encodePolicyReview(after)}\n` : standingText(after));
  return 0;
}

/** Nobody signs a verdict that the sources do not bear out: the broker might have been changed. */
async function refuseOtherFinding(
  found: PolicyReview,
  client: AdminClient,
  digest: Primitives["digest"],
): Promise<void> {
  const newer = await fetchedBundle(found.digest, client, digest);
  const older =
    found.previous === undefined ? undefined : await fetchedBundle(found.previous, client, digest);
  const { finding } = comparedHere(older, newer, digest);
  const isSame = finding === found.finding && newer.manifest.previous === (found.previous ?? null);
  if (isSame) return;
  throw new Fault(
    "policy/bad-approval",
    "the broker says otherwise of this change than its sources do here",
    {
      broker: found.finding,
      here: finding,
    },
  );
}

function comparedHere(older: Bundle | undefined, newer: Bundle, digest: Primitives["digest"]): Gate {
  return gateOf(older, newer, { governance: { groups: [], approvals: 1 }, prefixes: [], digest });
}

/** `writ diff` of local sources against what is live. Ends with 1 where they widen. */
export async function diff(args: readonly string[], { open, digest, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...ADMIN_OPTIONS,
    root: { type: "string" },
    full: { type: "boolean" },
  });
  const { client } = await open(adminOptionsOf(values));
  const { live } = await client.listBundles();
  const previous = live?.digest;
  const tar = await packFiles(positionals, { root: values.root, previous }, { digest, terminal });
  const older = previous === undefined ? undefined : await fetchedBundle(previous, client, digest);
  const { finding, diff: found, changes } = comparedHere(older, loadBundle(tar, digest), digest);
  const names = { older: previous?.slice(0, 12) ?? "nothing", newer: "these sources" };
  terminal.out(
    values.json === true
      ? `${canonicalJson({ ...diffJson(found, changes), finding })}\n`
      : renderDiff(found, { names, changes, isFull: values.full === true }),
  );
  return finding === "widens" ? 1 : 0;
}

/** The sources of an earlier bundle as the next one; live at once where nobody has to agree. */
export async function rollback(
  args: readonly string[],
  { open, digest, terminal }: Edges,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  const digits = oneWord(positionals, "DIGEST");
  const session = await open(adminOptionsOf(values));
  const { client, signer } = session;
  const earlier = await client.showBundle(await wholeDigest(digits, client));
  const { live } = await client.listBundles();
  const tar = packAgain(earlier, live?.digest, digest);
  const proposed = await client.proposeBundle({ tar, signature: await signBundle(tar, signer) });
  const found = await client.reviewBundle(proposed.digest);
  if (found.isApproved) return activateIt(proposed.digest, session, { json: values.json, terminal });
  terminal.out(
    values.json === true
      ? `${encodePolicyReview(found)}\n`
      : `proposed ${proposed.digest}\n${standingText(found)}`,
  );
  return 1;
}

function reviewText(found: PolicyReview): string {
  const { authors, text, warnings } = found;
  const lines = warnings.map((warning) => `warning: ${warning}\n`).join("");
  return `${found.digest}\nby ${authors.join(", ")}\n\n${text}\n${standingText(found)}${lines}`;
}

/** Who agreed, and who must still. */
function standingText({ digest, needs, rejectedBy, statements, isApproved }: PolicyReview): string {
  const said = statements.map(({ at, by, decision, why, expires }) =>
    why === undefined && expires !== undefined
      ? `${decision} by ${by} at ${formatInstant(at)}, until ${formatInstant(expires)}`
      : `a statement of ${by} does not count: ${why}`,
  );
  const wanted = needs.map(({ group, approvals, by }) => {
    const whose = group === undefined ? "approvers" : `owners \`${group}\``;
    return `${by.length} of ${approvals} ${whose} approved${by.length === 0 ? "" : `: ${by.join(", ")}`}`;
  });
  const rejected = rejectedBy.length === 0 ? [] : [`rejected by ${rejectedBy.join(", ")}`];
  const next = isApproved
    ? `nobody else has to agree; next: ostiary policy activate ${digest.slice(0, 12)}`
    : `next, by somebody who may and is no author of it: ostiary policy approve ${digest.slice(0, 12)}`;
  return `${[...said, ...wanted, ...rejected, next].join("\n")}\n`;
}
