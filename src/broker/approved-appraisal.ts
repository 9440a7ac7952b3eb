/** What does policy say of a request once people were asked? Their signatures are checked again at each decision, never remembered. */

import { isFault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import { type Admin, reaches } from "../policy/admins.ts";
import type { Appraisal } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import { approvalSeconds, MAX_APPROVAL_SECONDS } from "../policy/obligations.ts";
import {
  approvalGroups,
  countPeople,
  openRequestApproval,
  type RequestSubject,
  requestDigest,
} from "../policy/request-approvals.ts";
import type { StoredRequestApproval } from "./request-approval-store.ts";
import type { World } from "./world.ts";

/** How an item stands with the people whose approval policy counts. */
export interface ItemApprovals {
  readonly subject: RequestSubject;
  /** Digest of the subject. */
  readonly request: string;
  readonly groups: readonly string[];
  /** The approvals that the answer rests on: used up if it is yes. */
  readonly used: readonly string[];
  /** What policy would say if everybody approved, where it says no now. */
  readonly ifApproved: Appraisal | undefined;
}

/** Appraises with so many people of each group. */
type Judge = (approvals?: ReadonlyMap<string, number>) => Appraisal;

interface Asked {
  readonly subject: RequestSubject;
  readonly now: Instant;
  readonly bundle: Bundle | undefined;
}

/** A request that no policy in scope counts approvals for costs a look-up in memory, and no more. */
export async function appraiseApproved(
  judge: Judge,
  { subject, now, bundle }: Asked,
  world: World,
): Promise<{ readonly appraisal: Appraisal; readonly approvals?: ItemApprovals }> {
  const groups = bundle === undefined ? [] : approvalGroups(bundle.program, subject.resource);
  if (groups.length === 0) return { appraisal: judge() };
  const request = requestDigest(subject, world.primitives.digest);
  const given = await goodApprovals({ subject, request, groups, now }, world);
  const { appraisal, used } = judged(judge, { given, groups, now });
  const everybody = new Map(groups.map((group) => [group, MOST_PEOPLE]));
  const ifApproved = appraisal.isAllowed ? undefined : judge(everybody);
  return { appraisal, approvals: { subject, request, groups, used, ifApproved } };
}

/** `approvals from "g"` is a number of 8 bits. */
const MOST_PEOPLE = 255;

/** An approval whose signature holds today. */
export interface GoodApproval {
  readonly id: string;
  readonly admin: Admin;
  readonly at: number;
}

/**
 * How long an approval is good for is up to the policies that allow, and these are known once it was counted: so fewer are counted until
 * every one that was is young enough for all that allow.
 */
function judged(
  judge: Judge,
  {
    given,
    groups,
    now,
  }: { readonly given: readonly GoodApproval[]; readonly groups: readonly string[]; readonly now: Instant },
): { readonly appraisal: Appraisal; readonly used: readonly string[] } {
  let seconds = MAX_APPROVAL_SECONDS;
  for (;;) {
    const least = now - seconds;
    const alive = given.filter(({ at }) => at > least);
    const appraisal = judge(
      countPeople(
        alive.map(({ admin }) => admin),
        groups,
      ),
    );
    const allowed = appraisal.isAllowed ? approvalSeconds(appraisal.obligations) : seconds;
    if (allowed >= seconds) return { appraisal, used: alive.map(({ id }) => id).sort() };
    seconds = allowed;
  }
}

interface AskedFor {
  readonly subject: RequestSubject;
  readonly request: string;
  readonly groups: readonly string[];
  readonly now: Instant;
}

/** Those of the database that people of today's roster signed for exactly this request. */
export async function goodApprovals(asked: AskedFor, world: World): Promise<readonly GoodApproval[]> {
  const rows = await world.store.requestApprovals(asked.request, asked.now);
  if (rows.length === 0) return [];
  const { now: roster } = await world.roster();
  const opened = await Promise.all(rows.map((row) => goodOne(row, asked, { admins: roster.admins, world })));
  return opened.filter((one) => one !== undefined);
}

/** What somebody wrote into the database counts for nothing, and is told of. */
async function goodOne(
  { id, envelope }: StoredRequestApproval,
  { request, subject, groups, now }: AskedFor,
  { admins, world }: { readonly admins: readonly Admin[]; readonly world: World },
): Promise<GoodApproval | undefined> {
  try {
    const { approval, admin, digest } = await openRequestApproval(envelope, admins, world.primitives);
    const isForThis = requestDigest(approval, world.primitives.digest) === request && digest === id;
    const isOfTime = approval.at <= addSeconds(now, MAX_AHEAD_SECONDS);
    if (isForThis && isOfTime && mayApprove(admin, subject.resource, groups))
      return { id, admin, at: approval.at };
    world.log("warn", "approval-not-counted", { request, id });
    return undefined;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    world.log("warn", "approval-not-counted", { request, id, code: thrown.code });
    return undefined;
  }
}

/** How far the clock of whoever signs may stand ahead. */
export const MAX_AHEAD_SECONDS = 60;

/** The role, a path that it reaches, and one of the groups that are counted. */
export function mayApprove(admin: Admin, resource: string, groups: readonly string[]): boolean {
  return (
    admin.roles.includes("break-glass") &&
    reaches(admin, resource) &&
    admin.owns.some((group) => groups.includes(group))
  );
}
