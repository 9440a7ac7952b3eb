/** How do people let one request through? It waits for them, they sign what they are shown, and the guest asks again. */
import { Fault } from "../base/fault.ts";
import { addSeconds, instant } from "../base/time.ts";
import { type Admin, reaches } from "../policy/admins.ts";
import { approvalSeconds } from "../policy/obligations.ts";
import {
  approvalGroups,
  openRequestApproval,
  type RequestSubject,
  requestDigest,
  type SignedApproval,
} from "../policy/request-approvals.ts";
import type { WaitingSummary } from "../wire/approval-messages.ts";
import { NO_OBLIGATIONS } from "../writ/evaluation/obligations.ts";
import { goodApprovals, type ItemApprovals, MAX_AHEAD_SECONDS, mayApprove } from "./approved-appraisal.ts";
import type { WaitingRequest } from "./request-approval-store.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { World } from "./world.ts";

/** Only a guest that policy trusts in everything else comes this far; many of those are still not to hide the one that matters. */
const ROOM = { all: 1024, perResource: 16, perSource: 64 };
/** A guest asks again long before; one that stays away is forgotten. */
const WAITING_SECONDS = 3600;
/** An approval is sent as soon as it is signed. */
const MAX_AGE_SECONDS = 300;

/** Which decision refused it, and who had asked. */
interface Refused {
  readonly decision: string;
  readonly source: string;
  readonly now: WaitingRequest["at"];
}

/**
 * Takes in a request that lacks nothing but approvals, and tells people the first time.
 *
 * @returns False where so many wait that there is no room; then it is refused like any other.
 */
export async function awaitApproval(
  { subject, request, groups, ifApproved }: ItemApprovals,
  { decision, source, now }: Refused,
  world: World,
): Promise<boolean> {
  const { audience: _own, ...shown } = subject;
  const { obligations = NO_OBLIGATIONS } = ifApproved ?? {};
  const seconds = approvalSeconds(obligations);
  const waiting = {
    ...shown,
    request,
    since: now,
    at: now,
    until: addSeconds(now, WAITING_SECONDS),
    source,
    decision,
    seconds,
  };
  const put = await world.store.putWaiting(waiting, ROOM);
  if (put === "full") world.log("error", "approvals-full", { id: decision, resource: subject.resource });
  if (put === "new")
    world.log("warn", "approval-wanted", {
      id: decision,
      request,
      resource: subject.resource,
      groups: groups.join(" "),
    });
  return put !== "full";
}

/** Says that approvals were used: somebody let a guest through. */
export function logUsed({ subject, request, used }: ItemApprovals, decision: string, world: World): void {
  world.log("warn", "approval-used", {
    id: decision,
    request,
    resource: subject.resource,
    approvals: used.length,
  });
}

/** What waits under the paths that the admin's roles reach, and who approved it by now. */
export async function listWaiting(actor: Actor, world: World): Promise<readonly WaitingSummary[]> {
  const now = world.now();
  const waiting = await world.store.waitingRequests(now);
  const bundle = await world.liveBundle();
  const shown = waiting.filter(({ resource }) => actor.admin !== undefined && reaches(actor.admin, resource));
  return Promise.all(
    shown.map(async ({ until: _until, seconds, ...row }) => {
      const subject = subjectOf(row, world);
      const groups = bundle === undefined ? [] : approvalGroups(bundle.program, row.resource);
      const good = await goodApprovals({ subject, request: row.request, groups, now }, world);
      const alive = good.filter(({ at }) => at > now - seconds);
      return { ...row, groups, approvedBy: [...new Set(alive.map(({ admin }) => admin.person))].sort() };
    }),
  );
}

function subjectOf(
  { resource, op, report, channel }: Omit<RequestSubject, "audience">,
  world: World,
): RequestSubject {
  return { resource, op, report, channel, audience: world.settings.audience };
}

/**
 * Takes one person's approval of a request that waits: signed by whoever sends it, with the role, for a path that it reaches.
 *
 * @throws {@link Fault} `policy/bad-approval` for a statement that is not one of this admin, this broker and this minute;
 *   `admin/forbidden`; `request/not-found` where no such request waits; `request/conflict` where this person approved it already, or
 *   the roster changed meanwhile.
 */
export async function giveApproval(
  envelope: string,
  actor: Actor,
  world: World,
): Promise<readonly WaitingSummary[]> {
  const now = world.now();
  const { now: roster } = await world.roster();
  const signed = await openRequestApproval(envelope, roster.admins, world.primitives);
  const { approval, admin, digest: id } = signed;
  refuseOther(signed, actor, world);
  const request = requestDigest(approval, world.primitives.digest);
  const waiting = await world.store.waitingRequest(request, now);
  if (waiting === undefined)
    throw new Fault("request/not-found", "expected a request that waits for approval");
  await refuseOutsider(admin, approval.resource, world);
  const until = addSeconds(instant(approval.at), waiting.seconds);
  const row = { id, request, person: admin.person, kid: admin.kid, envelope, at: now, until };
  const act = {
    act: "request-approve",
    subject: `${approval.resource} for ${approval.report}`,
    digest: request,
  };
  if (
    !(await world.store.putRequestApproval(
      row,
      { roster: roster.serial, now },
      adminEntry(act, actor, world),
    ))
  ) {
    throw new Fault(
      "request/conflict",
      "expected one approval of each person: yours is there, or the roster changed meanwhile",
    );
  }
  return listWaiting(actor, world);
}

/** Signed by the person who sends it, with whatever key of theirs, for this broker, just now. */
function refuseOther({ approval, admin }: SignedApproval, actor: Actor, world: World): void {
  const age = world.now() - approval.at;
  const isOfTime = age >= -MAX_AHEAD_SECONDS && age <= MAX_AGE_SECONDS;
  if (admin.person === actor.admin?.person && approval.audience === world.settings.audience && isOfTime)
    return;
  throw new Fault("policy/bad-approval", "expected an approval for this broker that you signed just now");
}

async function refuseOutsider(admin: Admin, resource: string, world: World): Promise<void> {
  const bundle = await world.liveBundle();
  const groups = bundle === undefined ? [] : approvalGroups(bundle.program, resource);
  if (mayApprove(admin, resource, groups)) return;
  throw new Fault(
    "admin/forbidden",
    "expected an admin of the role break-glass who reaches this path and is of a group that its policies count",
    { groups: groups.join(", ") },
  );
}
