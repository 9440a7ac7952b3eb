/** Is it found that what is live is not what was declared, since when, and what is said where nobody can tell? */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import type { Instant } from "../../src/base/time.ts";
import { runAllScans } from "../../src/broker/findings.ts";
import type { PolicyFiles } from "../../src/policy/drift.ts";
import { createPolicyScan } from "../../src/posture/policy/scan.ts";
import type { Finding } from "../../src/wire/finding-messages.ts";
import { type BrokerAtHand, brokerAtHand } from "../http/broker-at-hand.ts";
import { makeLive } from "../pipeline/guest-at-hand.ts";

const HOUR = 3600;

const policyOf = (requires: string, more = ""): string => `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
  require ${requires}
  allow "boot" when request.op == release
}
${more}`;

const filesOf = (text: string): PolicyFiles => new Map([["test.writ", utf8(text)]]);

function declaring(broker: BrokerAtHand) {
  const told: { files?: PolicyFiles; changedAt: Instant; reads: number } = {
    changedAt: broker.world.now(),
    reads: 0,
  };
  const declared = async () => {
    told.reads += 1;
    if (told.files === undefined) throw new Error("no folder");
    return { name: "policies", files: told.files, changedAt: told.changedAt };
  };
  const scan = createPolicyScan({ ...broker.world, owner: "platform", declared }, 900);
  const findings = async (): Promise<readonly Finding[]> => {
    broker.pass(1);
    await runAllScans([scan], broker.world);
    return broker.admin.listFindings(undefined);
  };
  return { told, findings };
}

const open = (all: readonly Finding[]) => all.filter(({ remediated }) => remediated === undefined);

describe("drift of policy", () => {
  it("is none where every file is the declared one", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    told.files = filesOf(policyOf("vmpl == 0"));
    await makeLive(broker, policyOf("vmpl == 0"), 1);
    expect(await findings()).toEqual([]);
  });

  it("is high where another meaning is live, since it was activated, and ends when it is as declared", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    told.files = filesOf(policyOf("vmpl == 0"));
    broker.pass(HOUR);
    const activatedAt = broker.world.now();
    await makeLive(broker, policyOf("vmpl == 1"), 1);
    broker.pass(HOUR);
    const [drift] = await findings();
    expect(drift).toMatchObject({
      class: "policy-drift",
      subject: "policy",
      severity: "high",
      owner: "platform",
      introducedAt: activatedAt,
      evidence: { kind: "meaning", changed: ["test.writ"] },
    });
    await makeLive(broker, policyOf("vmpl == 0"), 2);
    expect((await findings()).map(({ remediated }) => remediated?.how)).toEqual(["passed"]);
  });

  it("is low where only bytes differ, since the file was written where that came later", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    await makeLive(broker, policyOf("vmpl == 0"), 1);
    broker.pass(HOUR);
    told.files = filesOf(policyOf("vmpl == 0", "# the same\n"));
    told.changedAt = broker.world.now();
    expect((await findings())[0]).toMatchObject({ severity: "low", introducedAt: told.changedAt });
  });

  it("is all of it where nothing is live, and where what is declared does not compile", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    told.files = filesOf(policyOf("vmpl == 0"));
    expect((await findings())[0]).toMatchObject({ severity: "high", evidence: { added: ["test.writ"] } });
    await makeLive(broker, policyOf("vmpl == 0"), 1);
    told.files = filesOf("writ 1\npolicy {");
    expect(open(await findings())[0]).toMatchObject({ severity: "high" });
  });

  it("neither comes nor ends where nobody can read what is declared", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    await makeLive(broker, policyOf("vmpl == 0"), 1);
    expect(await findings()).toEqual([]);
    expect(broker.lines.map(({ event }) => event)).toContain("declared-policy-unreadable");
    told.files = filesOf(policyOf("vmpl == 1"));
    expect(open(await findings())).toHaveLength(1);
    delete told.files;
    expect(open(await findings())).toHaveLength(1);
    expect((await broker.world.store.scans())[0]).toMatchObject({ blind: 1, trouble: "" });
  });

  it("is looked at anew when either side has changed", async () => {
    const broker = brokerAtHand();
    const { told, findings } = declaring(broker);
    told.files = filesOf(policyOf("vmpl == 1"));
    await makeLive(broker, policyOf("vmpl == 0"), 1);
    expect(open(await findings())).toHaveLength(1);
    told.files = filesOf(policyOf("vmpl == 0"));
    expect(open(await findings())).toEqual([]);
    await makeLive(broker, policyOf("vmpl == 2"), 2);
    expect(open(await findings())).toHaveLength(1);
    expect(told.reads).toBe(3);
  });

  it("is nothing where nobody declares anything", async () => {
    const broker = brokerAtHand();
    await runAllScans([createPolicyScan({ ...broker.world, owner: "" }, 900)], broker.world);
    expect(await broker.admin.listFindings(undefined)).toEqual([]);
  });
});
