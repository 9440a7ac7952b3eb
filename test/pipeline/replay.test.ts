/** Can a change of policy be tried on decisions of the past? What a broker decided, judged anew by `writ explain` and `writ test --replay`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { decisionOf } from "../../src/broker/decisions.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";
import { encodeDecisionDetail } from "../../src/wire/decision.ts";
import { attemptOf, type Deviation, guestBroker, PATH, POLICY, post } from "./guest-at-hand.ts";
import { RENEWING, renewBroker, renewGuest } from "./renew-at-hand.ts";

const GUESTS: readonly Deviation[] = [
  {},
  { report: { measurement: new Uint8Array(48).fill(9) } },
  { report: { policy: 0xb0000n } },
  { claims: { want: [{ secret: PATH }, { secret: "test/other" }], partial: true } },
];

/** A good guest, another image, a debuggable guest, and one that wants two things: their decisions, one a line. */
async function decided(policy: string | null = POLICY): Promise<readonly string[]> {
  const broker = await guestBroker({ policy });
  for (const guest of GUESTS) await post(broker, "/v1/release", (await attemptOf(broker, guest)).body);
  const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
  const ids = entries.flatMap((entry) => (entry.kind === "decision" ? [entry.id] : []));
  return Promise.all(ids.map(async (id) => encodeDecisionDetail(await decisionOf(id, broker.world))));
}

async function writ(files: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-replay-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const out: string[] = [];
  const terminal = { ...createTerminal(), out: (text: string) => void out.push(text), err: () => undefined };
  const { run } = createWritCommand({ primitives: nodePrimitives, now: () => 1_788_000_000 });
  const status = await run(
    words.map((word) => (word in files ? join(folder, word) : word)),
    terminal,
  );
  return { status, out: out.join("") };
}

describe("decisions of the past", () => {
  it("are decided alike by the policy that decided them, each with the facts it saw", async () => {
    const lines = await decided();
    expect(lines).toHaveLength(GUESTS.length);
    const files = { "p.writ": POLICY, "log.ndjson": lines.join("\n") };
    expect(await writ(files, "test", "--replay", "log.ndjson", "p.writ")).toEqual({
      status: 0,
      out: "4 decisions judged again: of 5 items 5 alike, 0 gained, 0 lost, 0 on other terms\n",
    });
  });

  it("on evidence that was held are explained and decided alike too, and show what a shorter age would refuse", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    broker.pass(100);
    const { decision } = await guest.renew();
    const line = encodeDecisionDetail(await decisionOf(decision, broker.world));
    const shorter = RENEWING.replace(
      "require not guest.debug",
      "require evidence.age <= 90s\n  require not guest.debug",
    );
    const files = { "p.writ": RENEWING, "q.writ": shorter, "log.ndjson": line, "one.json": line };
    expect((await writ(files, "test", "--replay", "log.ndjson", "p.writ")).out).toBe(
      "1 decisions judged again: of 1 items 1 alike, 0 gained, 0 lost, 0 on other terms\n",
    );
    expect((await writ(files, "explain", "one.json", "p.writ")).status).toBe(0);
    const refused = await writ(files, "explain", "one.json", "q.writ");
    expect([refused.status, refused.out]).toEqual([1, expect.stringContaining("evidence.age")]);
  });

  it("show whom a change would let in, and whom it would shut out", async () => {
    const [good = "", other = "", ...more] = await decided();
    const ids = [good, other].map((line): string => JSON.parse(line).id);
    const changed = POLICY.replace("measurement == hex", "measurement != hex");
    const files = { "p.writ": changed, "log.ndjson": [good, other, ...more].join("\n") };
    const { status, out } = await writ(files, "test", "--replay", "log.ndjson", "p.writ");
    expect(status).toBe(1);
    expect(out).toContain(`would lose   ${PATH}   image 0202020202020202   2 times, for example ${ids[0]}\n`);
    expect(out).toContain(`would gain   ${PATH}   image 0909090909090909   1 times, for example ${ids[1]}\n`);
    expect(out).toContain(
      "4 decisions judged again: of 5 items 2 alike, 1 gained, 2 lost, 0 on other terms\n",
    );
    const json = await writ(files, "test", "--replay", "log.ndjson", "p.writ", "--json");
    expect(JSON.parse(json.out)).toMatchObject({
      decisions: 4,
      groups: [{ example: ids[0], count: 2, reason: "allowed by what was live then" }, {}],
    });
  });

  it("are judged though no policy was live then", async () => {
    const [first = ""] = await decided(null);
    const files = { "p.writ": POLICY, l: first };
    const { status, out } = await writ(files, "test", "--replay", "l", "p.writ");
    expect(status).toBe(1);
    expect(out).toContain(
      "1 decisions judged again: of 1 items 0 alike, 1 gained, 0 lost, 0 on other terms\n",
    );
  });

  it("are explained by the same walk as at the broker, one item at a time", async () => {
    const [good = "", other = "", , two = ""] = await decided();
    const allowed = await writ({ "p.writ": POLICY, "d.json": good }, "explain", "d.json", "p.writ");
    expect(allowed).toMatchObject({ status: 0 });
    const refused = await writ({ "p.writ": POLICY, "d.json": other }, "explain", "d.json", "p.writ");
    expect(refused.out).toContain("REFUSED (require-failed)");
    const both = writ({ "p.writ": POLICY, "d.json": two }, "explain", "d.json", "p.writ");
    await expect(both).rejects.toThrow(/a decision of one item, received 2 items/);
  });

  it.each([
    ["no JSON", "{", /request\/malformed|JSON/],
    ["a list", "[]", /one decision a line/],
    ["another object", "{}", /decision show --json/],
    ["a decision without an entry", '{"id":"x","kind":"decision","trace":{"items":[]}}', /decision show/],
  ])("are refused where a line is %s", async (_what, line, sentence) => {
    await expect(writ({ "p.writ": POLICY, l: line }, "test", "--replay", "l", "p.writ")).rejects.toThrow(
      sentence,
    );
  });

  it("leave out what failed before any policy was asked", async () => {
    const line = '{"kind":"refusal","id":"x"}';
    expect((await writ({ "p.writ": POLICY, l: line }, "test", "--replay", "l", "p.writ")).out).toContain(
      "0 decisions judged again",
    );
  });
});
