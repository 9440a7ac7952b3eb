/** Does a guest on Google Cloud get its key by Google's word on its firmware, and does nobody get it by a word that is not Google's? */
import { describe, expect, it } from "vitest";
import { NO_PROVIDERS } from "../../src/attestation/endorsement/provider-chain.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import type { LaunchEndorsementPlan } from "../../src/simulator/launch-endorsement.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { endorsementOf, FOUR_VMSAS, simulatedProviders, UEFI_DIGEST } from "../support/provider.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { attemptOf, type Deviation, type GuestBroker, guestBroker, post } from "./guest-at-hand.ts";

const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
policy gcp-nodes {
  for resource "prod/**"
  platform gcp
  require has uefi.endorsed_by and uefi.endorsed_by == google else "not a firmware of Google's"
  require has uefi.svn and uefi.svn >= 3 else "an old firmware of Google's"
  require has uefi.digest and uefi.digest == hex"${hexOf(UEFI_DIGEST)}" else "another firmware of Google's"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
}
`;

const GUEST = { measurement: FOUR_VMSAS, policy: 0x70000n } as const;

function brokerOf(providers = simulatedProviders()): Promise<GuestBroker> {
  return guestBroker({
    product: "genoa",
    policy: POLICY,
    change: ({ trust }) => ({ trust: { ...trust, providers } }),
  });
}

async function answerTo(
  broker: GuestBroker,
  plan: Partial<LaunchEndorsementPlan> | null = {},
  deviation: Deviation = {},
) {
  const more = plan === null ? {} : { launchEndorsement: endorsementOf(plan) };
  const certTable = certTableOf(simulatedRoot("genoa"), broker.chip, broker.world.now(), more);
  const { body } = await attemptOf(broker, { report: GUEST, certTable, ...deviation });
  return post(broker, "/v1/release", body);
}

async function wireCodeOf(response: Response): Promise<string> {
  return decodeProblem(new Uint8Array(await response.arrayBuffer())).code;
}

describe("a guest whose host brings Google's endorsement of its firmware", () => {
  it("gets its key under a policy that asks for it, and the decision says what Google said", async () => {
    const broker = await brokerOf();
    const response = await answerTo(broker);
    expect(response.status).toBe(200);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-1)).toMatchObject({ kind: "decision", outcome: "allow", simulated: true });
  });

  it.each<[string, Partial<LaunchEndorsementPlan> | null]>([
    ["without an endorsement", null],
    ["with an older firmware than is wanted", { svn: 2 }],
    ["with another firmware than is wanted", { uefiDigest: new Uint8Array(48).fill(1) }],
  ])("is denied by policy %s", async (_name, plan) => {
    const response = await answerTo(await brokerOf(), plan);
    expect([response.status, await wireCodeOf(response)]).toEqual([403, "denied"]);
  });

  it("is denied by policy where the broker lets nobody speak for Google", async () => {
    const response = await answerTo(await brokerOf(NO_PROVIDERS));
    expect([response.status, await wireCodeOf(response)]).toEqual([403, "denied"]);
  });

  it("gets its key by an endorsement that the broker found, and is not helped by one where the host's own does not hold", async () => {
    const asked: string[] = [];
    const findFirmware = async (measurement: Uint8Array) => {
      asked.push(hexOf(measurement));
      return endorsementOf();
    };
    const broker = await brokerOf({ ...simulatedProviders(), findFirmware });
    expect((await answerTo(broker, null)).status).toBe(200);
    expect(asked).toEqual([hexOf(FOUR_VMSAS)]);
    expect(await wireCodeOf(await answerTo(broker, { measurements: {} }))).toBe("rejected-evidence");
    expect(asked).toHaveLength(1);
  });

  it("is refused where the endorsement is of another firmware, whatever policy asks for", async () => {
    const response = await answerTo(await brokerOf(), { measurements: { 4: new Uint8Array(48) } });
    expect([response.status, await wireCodeOf(response)]).toEqual([403, "rejected-evidence"]);
  });

  it("is refused where the endorsement does not hold under the roots of the configuration", async () => {
    const { firmware, hostVtpm } = simulatedProviders();
    const response = await answerTo(await brokerOf({ firmware: hostVtpm, hostVtpm: firmware }));
    expect([response.status, await wireCodeOf(response)]).toEqual([403, "rejected-evidence"]);
  });
});
