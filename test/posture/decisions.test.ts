/** What do stored decisions tell? Which chips and whose keys were used, and whom a proposed guard would have refused. */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import type { InventoryPorts } from "../../src/posture/credentials/ports.ts";
import { withReplays } from "../../src/posture/guard-replay.ts";
import { createPosture } from "../../src/posture/posture.ts";
import { reportOf } from "../../src/posture/report.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import type { Guardrail } from "../../src/wire/finding-messages.ts";
import { attemptOf, guestBroker, post } from "../pipeline/guest-at-hand.ts";
import { simulatedRoot } from "../support/simulated.ts";

const DAY = 86_400;

async function withDecisions(count: number) {
  const broker = await guestBroker();
  for (let i = 0; i < count; i += 1) {
    const certTable = certTableOf(simulatedRoot("milan"), broker.chip, broker.world.now());
    const { body } = await attemptOf(broker, { certTable });
    const answer = await post(broker, "/v1/release", body); // in order
    expect(answer.status).toBe(i < 3 ? 200 : 403); // the policy lets a chip have three
    broker.pass(60);
  }
  const { world } = broker;
  const ports: InventoryPorts = {
    ...world,
    providers: world.trust.providers,
    files: async () => [],
    usePages: 10,
    ownerOf: () => "",
  };
  return { ...broker, ports };
}

describe("the inventory", () => {
  it("knows a chip that brought its own certificate by its decisions, with its end and its uses", async () => {
    const { ports, world } = await withDecisions(2);
    const began = addSeconds(world.now(), -120);
    const posture = createPosture(ports, 900);
    const all = await posture.credentials(world.now());
    const chip = all.find(({ kind }) => kind === "vcek");
    expect(chip).toMatchObject({
      name: `vcek/milan/${"03".repeat(16)}/-.4.0.24.219`,
      firstUsedAt: began,
      lastUsedAt: addSeconds(began, 60),
    });
    expect(Number(chip?.notAfter)).toBeGreaterThan(world.now() + 365 * DAY);
    expect(all.find(({ name }) => name === "admin-key/admin-1")?.lastUsedAt).toBe(began);
    expect(await posture.credentials(world.now())).toEqual(all);
  });
});

describe("a proposed guard", () => {
  const guardrail = (require: string): Guardrail => ({
    class: "crl-stale",
    because: "a test",
    stages: [
      {
        stage: "enforce",
        how: "now",
        writ: `writ 1
module guardrails.test version 1.0.0 { owner "guardrails" }

guard guardrail-test "A test" {
  for resource "**"
  require ${require} else "no"
}
`,
      },
    ],
  });

  it("is replayed over every decision that allowed, and over no other", async () => {
    const { ports, world } = await withDecisions(4);
    const window = { since: addSeconds(world.now(), -DAY), until: world.now() };
    const replayOf = async (require: string) => {
      const report = { ...reportOf([], [], window), guardrails: [guardrail(require)] };
      return (await withReplays(report, ports)).guardrails[0]?.replay;
    };
    expect(await replayOf("endorsement.crl_age <= 24h")).toEqual({ decisions: 3, refused: 0, examples: [] });
    const strict = await replayOf("endorsement.not_after_in >= 36500d");
    expect(strict).toMatchObject({ decisions: 3, refused: 3 });
    expect(strict?.examples).toHaveLength(3);
    const [newest = ""] = strict?.examples ?? [];
    expect((await world.store.decision(newest))?.at).toBe(addSeconds(world.now(), -120));
  });
});
