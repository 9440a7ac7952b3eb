/** What is a broker whose secrets people let guests have? Three of them with keys, a policy that counts them, and a guest that asks. */
import { expect } from "vitest";
import { createPageReader } from "../../src/broker/log-page.ts";
import { type Notified, notificationOf } from "../../src/broker/notified.ts";
import { createOutbox } from "../../src/broker/outbox.ts";
import type { World } from "../../src/broker/world.ts";
import type { Admin } from "../../src/policy/admins.ts";
import { type RequestApproval, signRequestApproval } from "../../src/policy/request-approvals.ts";
import type { AuditEvent } from "../../src/wire/audit-event.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { AUDIENCE, ONE_ADMIN } from "../http/broker-at-hand.ts";
import { type GivenPerson, governedParts, type PersonAtHand, personOf } from "../http/people-at-hand.ts";
import { attemptOf, type Deviation, type GuestBroker, guestBroker, POLICY, post } from "./guest-at-hand.ts";

const RULES = `require approvals from "commander" >= 1 else "needs a commander"
  require approvals from "oncall" >= 2 else "needs two of the on-call"
  allow "boot"`;

export function policyWith(obligations: string): string {
  return POLICY.replace('allow "boot"', RULES).replace(/on release \{.*\}/, `on release { ${obligations} }`);
}

const GLASS = policyWith('max_releases 1 per approvals approvals_expire 30m notify "ciso"');

export interface Glass {
  readonly broker: GuestBroker;
  readonly person: (admin: GivenPerson) => PersonAtHand;
  readonly ada: PersonAtHand;
  readonly ben: PersonAtHand;
  readonly eve: PersonAtHand;
}

/** Ada commands, ben and eve are on call. */
export async function glass(
  policy = GLASS,
  change: (world: World) => Partial<World> = () => ({}),
): Promise<Glass> {
  const admins: Admin[] = [...ONE_ADMIN.admins];
  const broker = await guestBroker({
    policy,
    change: (base) => {
      const settings = { ...base.settings, notifies: ["ciso"], governance: { ...ONE_ADMIN, admins } };
      return { ...governedParts({ ...base, settings }), ...change(base) };
    },
  });
  const person: Glass["person"] = (admin) => {
    const made = personOf({ roles: ["break-glass"], ...admin }, broker);
    admins.push(made.record);
    return made;
  };
  const [ada, ben, eve] = [
    person({ kid: "ada", owns: ["commander"] }),
    person({ kid: "ben", owns: ["oncall"] }),
    person({ kid: "eve", owns: ["oncall"] }),
  ];
  return { broker, person, ada, ben, eve };
}

/** Who is told, and is told now of all that the log has for them since they began. */
export interface PagerAtHand {
  readonly heard: AuditEvent[];
  readonly listen: () => Promise<void>;
}

export async function pagerAtHand({ world }: GuestBroker, to: Notified): Promise<PagerAtHand> {
  const heard: AuditEvent[] = [];
  const outbox = createOutbox({
    owner: "a".repeat(32),
    from: "now",
    read: createPageReader(),
    isEnding: () => false,
    sink: {
      name: `notify/${to.name}`,
      eventOf: (entry, page, parts) => notificationOf(entry, page, to, parts),
      deliver: async (events) => void heard.push(...events),
    },
  });
  await outbox.begin(world);
  return { heard, listen: () => outbox.turn(world) };
}

export async function ask(broker: GuestBroker, deviation: Deviation = {}): Promise<Response> {
  return post(broker, "/v1/release", (await attemptOf(broker, deviation)).body);
}

async function codeOf(response: Response): Promise<string> {
  if (response.status === 200) return "released";
  return decodeProblem(new Uint8Array(await response.arrayBuffer())).code;
}

export async function codes(broker: GuestBroker, deviation: Deviation = {}): Promise<string> {
  return codeOf(await ask(broker, deviation));
}

/** The statement over the only request that waits, with what is changed in it. */
export async function approvalFor(
  by: PersonAtHand,
  broker: GuestBroker,
  changes: Partial<RequestApproval> = {},
) {
  const [waiting] = await by.admin.listWaiting();
  if (waiting === undefined) throw new Error("nothing waits");
  const { resource, op, report, channel } = waiting;
  const approval = { resource, op, report, channel, audience: AUDIENCE, at: broker.world.now(), ...changes };
  return { approval, statement: await signRequestApproval(approval, by.signer) };
}

export async function approve(
  by: PersonAtHand,
  broker: GuestBroker,
  changes: Partial<RequestApproval> = {},
): Promise<string> {
  const { statement } = await approvalFor(by, broker, changes);
  const { status, fault } = await by.ask("POST", "/v1/admin/approvals", JSON.stringify({ statement }));
  return fault ?? String(status);
}

export async function approvedByAll({ broker, ada, ben, eve }: Glass): Promise<void> {
  for (const by of [ada, ben, eve]) expect(await approve(by, broker)).toBe("201");
}
