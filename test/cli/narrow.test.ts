/** Does `policy narrow` propose what nobody used, prove it, hold it against the past, and change nothing by itself? */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { attemptOf, type GuestBroker, guestBroker, POLICY, post } from "../pipeline/guest-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

const WIDE = `${POLICY.replace('"prod/**", "attest"', '"prod/**", "attest", "spare/**"').replace(
  'allow "boot"',
  'allow "service" when vmpl == 1\n  allow "boot"',
)}
policy forgotten {
  for resource "old/**"
  allow "anything" when vmpl == 3
}
`;

async function narrow(broker: GuestBroker, ...words: readonly string[]) {
  const command = createPolicyCommand({ open: sessionOf(broker), digest: nodePrimitives.digest });
  const { thrown, ...ended } = await runCommand(command, ["narrow", ...words]);
  return { ...ended, said: thrown instanceof Error ? thrown.message : "" };
}

async function ask(broker: GuestBroker): Promise<number> {
  return (await post(broker, "/v1/release", (await attemptOf(broker)).body)).status;
}

const since = ["--since", "2020-01-01"] as const;

describe("policy narrow", () => {
  it("shows what nobody used, what the solver says of it and what the past says, and writes the sources", async () => {
    const broker = await guestBroker({ policy: WIDE });
    expect(await ask(broker)).toBe(200);
    const parent = mkdtempSync(join(tmpdir(), "ostiary-narrow-"));
    onTestFinished(() => rmSync(parent, { recursive: true, force: true }));
    const folder = join(parent, "narrower");
    const told = await narrow(broker, ...since, "--out", folder);
    expect(told).toMatchObject({ status: 1, said: "" });
    expect(told.out).toContain("1 items allowed since 2020-01-01T00:00:00Z\n");
    for (const cut of ["path +attest of acme.test/disks", "path +spare/\\*\\* of acme.test/disks"]) {
      expect(told.out).toMatch(new RegExp(`^cut +${cut} +test.writ$`, "m"));
    }
    expect(told.out).toMatch(/^cut +allow +service of acme.test\/disks +test.writ$/m);
    expect(told.out).toMatch(/^cut +policy +acme.test\/forgotten +test.writ$/m);
    expect(told.out).toContain("NARROWS.  what is left implies what is live");
    expect(told.out).toContain("1 decisions judged again: of 1 items 1 alike, 0 gained, 0 lost");
    expect(told.out).toContain(`next: ostiary policy plan ${folder}\n`);
    const written = readFileSync(join(folder, "test.writ"), "utf8");
    expect(written).toContain('for resource "prod/**"\n');
    expect(written).not.toMatch(/forgotten|service|spare/);
    const { live } = await broker.admin.listBundles();
    expect(live?.serial).toBe(1); // what is live is as it was
    expect((await narrow(broker, ...since, "--out", folder)).status).toBe(3); // nothing is written over
  });

  it("tells programs the same, and says where nothing can be cut", async () => {
    const broker = await guestBroker({ policy: WIDE });
    await ask(broker);
    const { out } = await narrow(broker, ...since, "--json");
    expect(JSON.parse(out)).toMatchObject({ allowed: 1, verdict: "narrows", kept: [], replay: { lost: 0 } });
    const tight = await guestBroker({ policy: POLICY.replace(', "attest"', "") });
    await ask(tight);
    expect(await narrow(tight, ...since)).toMatchObject({ status: 0 });
  });

  it("proposes nothing where nobody came, where traces were forgotten, or without a moment", async () => {
    const broker = await guestBroker({ policy: WIDE });
    expect(await narrow(broker, ...since)).toMatchObject({ status: 1, out: "" });
    await ask(broker);
    expect((await narrow(broker, "--since", "2090-01-01")).said).toMatch(/^expected releases that the live/);
    await broker.world.store.forgetTraces({ start: 0, end: await broker.world.store.ledgerSize() });
    expect((await narrow(broker, ...since)).said).toMatch(
      /^expected the facts of every release since then, 1/,
    );
    expect((await narrow(broker)).status).toBe(2);
  });
});
