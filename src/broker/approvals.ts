/** Have enough others agreed to a bundle? Each approval is opened again, and counted for the people who may give it. */
import { isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Admin } from "../policy/admins.ts";
import { APPROVAL_TYPE, type ApprovalStatement, parseApproval } from "../policy/approval.ts";
import { atLeast, verdictDigest } from "../policy/finding.ts";
import type { Gate, Need } from "../policy/gate.ts";
import type { Roster } from "../policy/roster.ts";
import { openDsse } from "../policy/signatures.ts";
import type { StoredApproval } from "./governance-store.ts";

/** What a bundle is judged by: its gate, its authors, and the turn, moment and people of its activation. */
export interface Ballot {
  readonly digest: string;
  readonly previous: string | undefined;
  readonly gate: Gate;
  /** People who signed the bundle: none of them approves it. */
  readonly authors: readonly string[];
  readonly serial: number;
  /** Unix seconds. */
  readonly at: number;
  readonly audience: string;
  readonly roster: Roster;
}

/** What one person said. */
export interface Vote {
  readonly admin: Admin;
  readonly decision: ApprovalStatement["decision"];
  readonly expires: number;
}

/** A need, and who has met how much of it. */
export interface MetNeed extends Need {
  readonly by: readonly string[];
}

export interface Judgement {
  readonly needs: readonly MetNeed[];
  /** People who rejected it and may. */
  readonly rejectedBy: readonly string[];
  readonly isApproved: boolean;
}

/** Counts what was said, the last word of each person. What does not hold counts for nothing. */
export async function judge(
  rows: readonly Pick<StoredApproval, "envelope">[],
  ballot: Ballot,
  primitives: Primitives,
): Promise<Judgement> {
  const last = new Map<string, Vote>();
  for (const { envelope } of rows) {
    const vote = await voteIn(envelope, ballot, primitives); // in order: a later word of somebody takes the earlier one's place
    if (typeof vote !== "string") last.set(vote.admin.person, vote);
  }
  const votes = [...last.values()];
  const by = (decision: Vote["decision"], need?: Need): readonly string[] =>
    votes
      .filter((vote) => vote.decision === decision && (need === undefined || answersFor(vote.admin, need)))
      .map(({ admin }) => admin.person);
  const needs = ballot.gate.needs.map((need) => ({ ...need, by: by("approve", need) }));
  const rejectedBy = by("reject");
  const isApproved = rejectedBy.length === 0 && needs.every((need) => need.by.length >= need.approvals);
  return { needs, rejectedBy, isApproved };
}

function answersFor({ owns }: Admin, { group }: Need): boolean {
  return group === undefined || owns.includes(group);
}

/**
 * Opens what somebody said, by a key that the roster has. The answer is why it does not count, where it does not: for another bundle,
 * turn, broker or a better finding than the gate's, expired, by an author, or without the role or the paths for it.
 */
export async function voteIn(
  envelope: string,
  ballot: Ballot,
  primitives: Primitives,
): Promise<Vote | string> {
  const { admins } = ballot.roster;
  const opened = await openedOr(openDsse(envelope, { payloadType: APPROVAL_TYPE, keys: admins }, primitives));
  if (typeof opened === "string") return opened;
  const [kid, ...others] = opened.signedBy;
  const admin = admins.find((one) => one.kid === kid);
  if (admin === undefined || others.length > 0) return "expected one signature";
  const statement = await openedOr(Promise.resolve().then(() => parseApproval(opened.payload)));
  if (typeof statement === "string") return statement;
  const why = whyNot(statement, ballot, primitives) ?? whyNotBy(admin, ballot);
  return why ?? { admin, decision: statement.decision, expires: statement.expires };
}

function whyNot(statement: ApprovalStatement, ballot: Ballot, { digest }: Primitives): string | undefined {
  const { gate, serial, at, audience } = ballot;
  if (statement.digest !== ballot.digest) return "expected a statement about this bundle";
  if (statement.audience !== audience) return "expected a statement for this broker";
  if (statement.serial !== serial) return `expected a statement about activation ${serial}`;
  if (statement.expires <= at) return "expected a statement that has not expired";
  const seen = atLeast(gate.finding).map((finding) => verdictDigest({ ...ballot, finding }, digest));
  return seen.includes(statement.verdict)
    ? undefined
    : "expected a statement of somebody who saw what this bundle changes";
}

function whyNotBy({ person, roles, under }: Admin, { authors, gate }: Ballot): string | undefined {
  if (authors.includes(person)) return "expected another person than the bundle's author";
  if (!roles.includes("approver")) return "expected somebody with the role approver";
  return gate.lies(under) ? undefined : "expected somebody whose role reaches every path that changes";
}

async function openedOr<T>(opening: Promise<T>): Promise<T | string> {
  try {
    return await opening;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.message;
    throw thrown;
  }
}
