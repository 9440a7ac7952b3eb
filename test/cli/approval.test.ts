/** Does `ostiary approval` show what waits, and sign what it shows? */
import { describe, expect, it } from "vitest";
import { Misuse } from "../../src/cli/command.ts";
import { createApprovalCommand } from "../../src/cli/commands/approval.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { PersonAtHand } from "../http/people-at-hand.ts";
import { codes, type Glass, glass } from "../pipeline/glass-at-hand.ts";
import { PATH } from "../pipeline/guest-at-hand.ts";
import { runCommand, sessionOf } from "./command-run.ts";

/** Runs the verb as this person; `change` stands for a broker that answers otherwise. */
async function run(
  { broker }: Glass,
  { admin, signer }: PersonAtHand,
  words: string,
  change: Partial<PersonAtHand["admin"]> = {},
) {
  const open = sessionOf(broker, { client: { ...admin, ...change }, signer });
  const command = createApprovalCommand({ open, digest: nodePrimitives.digest });
  const { thrown, ...ended } = await runCommand(command, words.split(" "));
  if (thrown !== undefined) throw thrown;
  return ended;
}

describe("ostiary approval", () => {
  it("lists what waits, and gives one person's approval of what it showed", async () => {
    const all = await glass();
    await codes(all.broker);
    const [waiting] = await all.ada.admin.listWaiting();
    const short = waiting?.request.slice(0, 16) ?? "";
    const listed = await run(all, all.ben, "list");
    expect(listed.out).toContain(short);
    expect(listed.out).toContain(PATH);
    const given = await run(all, all.ben, `give ${short.slice(0, 8)}`);
    expect([given.status, given.err]).toEqual([
      0,
      expect.stringContaining(`approves release of ${PATH} to the guest`),
    ]);
    expect(given.out).toMatch(/commander oncall +ben$/m);
    expect(JSON.parse((await run(all, all.ada, "list --json")).out)).toMatchObject({
      waiting: [{ request: waiting?.request, approved_by: ["ben"] }],
    });
  });

  it("signs nothing that another digest stands for than the one that was asked for", async () => {
    const all = await glass();
    await codes(all.broker);
    const [waiting] = await all.ada.admin.listWaiting();
    const lying = async () =>
      waiting === undefined ? [] : [{ ...(await waiting), resource: "prod/db2/luks" }];
    const given = run(all, all.ben, `give ${waiting?.request}`, { listWaiting: lying });
    await expect(given).rejects.toThrow(Misuse);
  });

  it.each(["", "give", "give x", "give 12", "take 12345678", "give 0000000000", "list more"])(
    "is misused by `%s`",
    async (words) => {
      const all = await glass();
      await expect(run(all, all.ben, words)).rejects.toThrow(Misuse);
    },
  );
});
