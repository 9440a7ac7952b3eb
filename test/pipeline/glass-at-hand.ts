/** What is a broker whose secrets people let guests have? Three of them with keys, a policy that counts them, and a guest that asks. */
import { expect } from "vitest";
import type { Notice, World } from "../../src/broker/world.ts";
import type { Admin } from "../../src/policy/admins.ts";
import { type RequestApproval, signRequestApproval } from "../../src/policy/request-approvals.ts";
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

export const GLASS = policyWith('max_releases 1 per approvals approvals_expire 30m notify "ciso"');

export interface Glass {
  readonly broker: GuestBroker;
  readonly notices: readonly Notice[];
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
  const notices: Notice[] = [];
  const broker = await guestBroker({
    policy,
    change: (base) => {
      const settings = { ...base.settings, notifies: ["ciso"], governance: { ...ONE_ADMIN, admins } };
      const notify = (notice: Notice) => void notices.push(notice);
      return { ...governedParts({ ...base, settings }), notify, ...change(base) };
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
  return { broker, notices, person, ada, ben, eve };
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
