/** What would a proposed bundle change, who has to agree, and what do they say? Reviews, approvals and rejections. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { instant } from "../base/time.ts";
import { verdictDigest } from "../policy/finding.ts";
import type { PolicyReview, ReviewedStatement } from "../wire/governance-messages.ts";
import { type Ballot, voteIn } from "./approvals.ts";
import { type JudgedBundle, judgedBundle } from "./judge-bundle.ts";
import { knownBundle, refuseOutOfLine } from "./policies.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import { weaknessesOf } from "./weaknesses.ts";
import type { World } from "./world.ts";

/** Nobody's word is good for longer: what was reviewed a season ago is reviewed again. */
const MAX_LIFE_SECONDS = 30 * 86_400;

/**
 * Compares a bundle that is proposed with the live one, and says who must still approve.
 *
 * @throws {@link Fault} `policy/unknown`, `policy/bad-signature`; `policy/not-next` where it does not follow the live one (any more).
 */
export async function reviewBundle(digest: string, world: World): Promise<PolicyReview> {
  const { ballot, judgement } = await judgedNext(digest, world);
  const { gate, previous, serial, authors } = ballot;
  const { primitives, settings } = world;
  const names = { older: previous?.slice(0, 12) ?? "nothing", newer: digest.slice(0, 12) };
  const { now } = await world.roster();
  return {
    ...(await shownDiff(gate, names)),
    digest,
    ...(previous === undefined ? {} : { previous }),
    serial,
    finding: gate.finding,
    verdict: verdictDigest({ digest, previous, finding: gate.finding }, primitives.digest),
    authors,
    needs: judgement.needs.map(({ group, approvals, by }) => ({
      ...(group === undefined ? {} : { group }),
      approvals,
      by,
    })),
    rejectedBy: judgement.rejectedBy,
    isApproved: judgement.isApproved,
    statements: await statementsOn(ballot, world),
    warnings: weaknessesOf(settings.governance, now),
  };
}

/** For people and for programs. Loaded with the first review. */
async function shownDiff(
  { diff, changes }: Ballot["gate"],
  names: { readonly older: string; readonly newer: string },
): Promise<Pick<PolicyReview, "text" | "diff">> {
  const [{ renderDiff }, { diffJson }] = await Promise.all([
    import("../writ/diff/render.ts"),
    import("../writ/diff/json.ts"),
  ]);
  return { text: renderDiff(diff, { names, changes, isFull: false }), diff: diffJson(diff, changes) };
}

/**
 * Keeps what an admin says to a bundle, if it counts.
 *
 * @throws {@link Fault} `policy/bad-approval` for what would not count, with the reason; `request/conflict` for what was said already, or where the
 *   roster or the live policy changed meanwhile; as {@link reviewBundle}.
 */
export async function approveBundle(
  request: { readonly digest: string; readonly statement: string },
  actor: Actor,
  world: World,
): Promise<PolicyReview> {
  const { digest, statement: envelope } = request;
  const { ballot } = await judgedNext(digest, world);
  const vote = await voteIn(envelope, ballot, world.primitives);
  if (typeof vote === "string") throw new Fault("policy/bad-approval", vote);
  if (vote.expires > world.now() + MAX_LIFE_SECONDS) {
    throw new Fault("policy/bad-approval", "expected a statement that expires within 30 days");
  }
  const id = hexOf(world.primitives.digest("sha256", utf8(envelope)));
  const row = { id, bundle: digest, envelope, at: world.now(), by: actor.kid };
  const act = { act: `policy-${vote.decision}`, subject: `${vote.admin.person}: ${digest}`, digest: id };
  const expected = { roster: ballot.roster.serial, live: ballot.serial - 1 };
  if (!(await world.store.putApproval(row, expected, adminEntry(act, actor, world)))) {
    throw new Fault(
      "request/conflict",
      "expected a statement that is new, about a policy and admins that are still so",
    );
  }
  return reviewBundle(digest, world);
}

async function judgedNext(digest: string, world: World): Promise<JudgedBundle> {
  const { now: roster } = await world.roster();
  const opened = await knownBundle(digest, roster, world);
  const serial = await refuseOutOfLine(opened.bundle, world);
  return judgedBundle(opened, { serial, at: world.now(), roster }, world);
}

/** Everything that was said, with the reason where it does not count. */
async function statementsOn(
  ballot: Ballot,
  { store, primitives }: World,
): Promise<readonly ReviewedStatement[]> {
  const rows = await store.approvalsOf(ballot.digest);
  return Promise.all(
    rows.map(async ({ envelope, at, by }) => {
      const vote = await voteIn(envelope, ballot, primitives);
      if (typeof vote === "string") return { at, by, why: vote };
      const { admin, decision, expires } = vote;
      return { at, by, person: admin.person, decision, expires: instant(expires) };
    }),
  );
}
