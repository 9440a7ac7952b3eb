/** How do admins come and go? By statements that enough people of the root signed; the broker alone makes nobody an admin. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { ROOT_GROUP } from "../policy/admins.ts";
import { nameIn, nextRoster, type RosterStatement, type VouchedActivation } from "../policy/roster.ts";
import type { RosterView } from "../wire/governance-messages.ts";
import { rosterEdges } from "./roster.ts";
import { type Actor, adminEntry } from "./secrets.ts";
import type { Activation } from "./store.ts";
import { weaknessesOf } from "./weaknesses.ts";
import type { World } from "./world.ts";

/** Signatures are gathered from people who sleep; a statement that nobody sent for longer than this is made anew. */
const MAX_AGE_SECONDS = 30 * 86_400;
const SKEW_SECONDS = 300;

/** Who the admins are, what a change of them has to build upon, and what is weak about it. */
export async function listAdmins(world: World): Promise<RosterView> {
  const { now } = await world.roster();
  const live = await world.store.liveActivation();
  const { governance } = world.settings;
  return {
    admins: now.admins.map((admin) => ({ ...admin, isRoot: admin.owns.includes(ROOT_GROUP) })),
    accounts: now.accounts,
    groups: governance.groups,
    approvals: governance.approvals,
    rootThreshold: governance.rootThreshold,
    serial: now.serial,
    ...(now.head === undefined ? {} : { head: now.head }),
    ...(live === undefined ? {} : { live: vouchedOf(live, world) }),
    warnings: weaknessesOf(governance, now),
  };
}

/** An activation as a change of the roster vouches for it. */
function vouchedOf(
  { serial, signature }: Activation,
  { primitives }: Pick<World, "primitives">,
): VouchedActivation {
  return { serial, envelope: hexOf(primitives.digest("sha256", utf8(signature))) };
}

/**
 * Takes a change of the roster that enough people of the root signed. It vouches for the activation that is live, so that what the
 * admins of before activated stays, and what they sign from now on does not count.
 *
 * @throws {@link Fault} `roster/bad-statement`, `roster/not-next` (also where somebody was first).
 */
export async function changeRoster(envelope: string, actor: Actor, world: World): Promise<RosterView> {
  const { now } = await world.roster();
  const { statement, roster } = await nextRoster(envelope, now, rosterEdges(world));
  refuseOutOfTime(statement, world);
  refuseUnknownGroups(statement, world);
  refuseUnknownProvider(statement, world);
  refuseOtherPage(statement, world);
  await world.liveBundle(); // what cannot be opened is not vouched for
  const live = await refuseOtherLive(statement, world);
  const digest = roster.head ?? "";
  const stored = { serial: statement.serial, envelope, digest, at: world.now(), by: actor.kid };
  const entry = adminEntry(
    { act: `admin-${statement.change.act}`, subject: subjectOf(statement), digest },
    actor,
    world,
  );
  if (!(await world.store.putRosterChange(stored, live, entry)))
    throw notNext("a change that nobody overtook");
  return listAdmins(world);
}

function refuseOutOfTime({ at }: RosterStatement, world: World): void {
  const age = world.now() - at;
  if (age >= -SKEW_SECONDS && age <= MAX_AGE_SECONDS) return;
  throw notNext("a statement of the last 30 days");
}

/** Nobody is to believe that a name with a slip of the pen makes somebody an owner. */
function refuseUnknownGroups({ change }: RosterStatement, { settings }: World): void {
  if (change.act === "remove" || !("admin" in change)) return;
  const known = [ROOT_GROUP, ...settings.governance.groups.map(({ name }) => name)];
  const strange = change.admin.owns.find((name) => !known.includes(name));
  if (strange === undefined) return;
  throw new Fault(
    "roster/bad-statement",
    `roster: expected owner groups of the configuration, received \`${strange}\``,
  );
}

/** Nobody is to believe that a name with a slip of the pen lets somebody sign in. */
function refuseUnknownProvider({ change }: RosterStatement, { identity }: World): void {
  if (change.act === "remove" || !("account" in change)) return;
  const { issuer } = change.account;
  if (identity?.offered.some((provider) => provider.issuer === issuer) === true) return;
  throw new Fault("roster/bad-statement", `roster: expected an issuer of [[oidc]], received \`${issuer}\``);
}

/** A security key that signs by another page than the one that is served here would be at the mercy of that one. */
function refuseOtherPage({ change }: RosterStatement, { settings: { webauthn: page } }: World): void {
  if (change.act === "remove" || !("admin" in change) || change.admin.webauthn === undefined) return;
  const { rpId, origin } = change.admin.webauthn;
  if (page !== undefined && rpId === page.rpId && origin === page.origin) return;
  const expected = page === undefined ? "no security key" : `a security key of ${page.origin} (${page.rpId})`;
  const received = `one of ${origin} (${rpId})`;
  throw new Fault(
    "roster/bad-statement",
    `roster: expected ${expected}, as [webauthn] of the configuration says; received ${received}`,
  );
}

async function refuseOtherLive({ live }: RosterStatement, world: World): Promise<number> {
  const activation = await world.store.liveActivation();
  const expected = activation === undefined ? undefined : vouchedOf(activation, world);
  const isSame = live?.serial === expected?.serial && live?.envelope === expected?.envelope;
  if (!isSame) throw notNext("the activation that is live to be vouched for");
  return expected?.serial ?? 0;
}

function subjectOf({ change }: RosterStatement): string {
  if (change.act === "remove") return change.kid;
  const { person, roles, under } = "admin" in change ? change.admin : change.account;
  const reach = under.length === 0 ? "every path" : under.join(" ");
  const by = "account" in change ? `; signs in by ${change.account.issuer}` : "";
  return `${nameIn(change)} of ${person}: ${roles.join(" ") || "no role"}; ${reach}${by}`.slice(0, 4096);
}

function notNext(expected: string): Fault {
  return new Fault("roster/not-next", `expected ${expected}`);
}
