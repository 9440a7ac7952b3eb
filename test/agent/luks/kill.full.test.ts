/** A guest may be killed at any write: strace kills it at the first, at the second, and so on, until one run ends by itself. */
import { spawnSync } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readDisk } from "../../../src/agent/luks/disk.ts";
import { rekeyVolume } from "../../../src/agent/luks/rekey.ts";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import type { UnlockPlan } from "../../../src/agent/luks/volume.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { random } from "../demo-broker.ts";
import { readHeld, textOf } from "./held-file.ts";
import { type HeldSecrets, heldSecrets } from "./held-secrets.ts";
import { blankDisk, folderIn, opensBy, realDisk } from "./real-disk.ts";

const place = folderIn();
afterAll(place.remove);

const PATH = "prod/db1/luks";
const [first, second] = [random(32), random(32)];
const [device, kept, state] = ["disk", "kept", "state"].map((name) => join(place.path, name)) as [
  string,
  string,
  string,
];
const CHILD = join(import.meta.dirname, "volume-child.ts");
const lacking = ["cryptsetup", "strace"].filter((name) => spawnSync(name, ["--version"]).status !== 0);
const itWithAll = (name: string, body: () => Promise<void>): void =>
  lacking.length === 0
    ? it(name, body, 300_000)
    : it.skip(`${name} (skipped: no ${lacking.join()} here)`, () => {});

/** Runs a verb, and kills it before its write or flush of this number. Whether it came to its end. */
function ends(verb: string, number: number): boolean {
  const what = "pwrite64,fdatasync";
  const kill = [
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    `trace=${what}`,
    "-e",
    `inject=${what}:signal=SIGKILL:when=${number}`,
  ];
  const words = [process.execPath, CHILD, verb, device, PATH, state];
  const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };
  const { status } = spawnSync("strace", [...kill, ...words], { env });
  return status === 0;
}

function unlock(secrets: HeldSecrets, plan: Partial<UnlockPlan> = {}) {
  return unlockVolume({ device, secret: PATH, ...plan }, { primitives: nodePrimitives, secrets });
}

/** Every number until a run ends by itself; more than this would be a run that never does. */
const MOST_WRITES = 60;

async function killedAtEach(
  verb: string,
  prepare: () => void,
  then: (number: number) => Promise<void>,
): Promise<number> {
  for (let number = 1; number < MOST_WRITES; number += 1) {
    prepare();
    if (ends(verb, number)) return number - 1;
    await then(number); // in order: one disk
  }
  throw new Error("no run came to its end");
}

describe("a guest that is killed at any write", () => {
  itWithAll("while it changes keys, leaves a volume that opens, and the next run finishes", async () => {
    realDisk(kept, first);
    await unlock(heldSecrets({ [PATH]: [first] }), { device: kept, adopt: true });
    const prepare = (): void => {
      copyFileSync(kept, device);
      writeFileSync(state, textOf({ [PATH]: [first, second] }));
    };
    const killed = await killedAtEach("rekey", prepare, async (number) => {
      const secrets = heldSecrets(readHeld(state));
      expect([number, (await unlock(secrets)).how]).toEqual([number, "marked"]);
      const report = await rekeyVolume({ device, secret: PATH }, { primitives: nodePrimitives, secrets });
      expect([number, report.version]).toEqual([number, 2]);
      expect([number, opensBy(device, first), opensBy(device, second)]).toEqual([number, false, true]);
      expect([number, (await unlock(secrets)).versions]).toEqual([number, [2]]);
    });
    expect(killed).toBeGreaterThan(10);
  });

  itWithAll(
    "while it makes a volume, leaves nothing of it or all of it, and a grant is spent once",
    async () => {
      const grant = utf8(JSON.stringify({ format: PATH, over: "blank" }));
      const prepare = (): void => {
        blankDisk(device);
        writeFileSync(state, textOf({ [PATH]: [first], [`${PATH}/format`]: [grant] }));
      };
      const seen = new Set<string>();
      const killed = await killedAtEach("format", prepare, async (number) => {
        const secrets = heldSecrets(readHeld(state));
        const outcome = (await codeOfPromise(unlock(secrets, { formatOnGrant: true }))) ?? "open";
        expect([number, outcome]).toEqual([
          number,
          expect.stringMatching(/^(open|policy\/denied|disk\/not-blank)$/),
        ]);
        seen.add(outcome);
        if (outcome === "open") return;
        const again = heldSecrets({
          [PATH]: [first],
          [`${PATH}/format`]: [utf8(JSON.stringify({ format: PATH, over: "anything" }))],
        });
        expect((await unlock(again, { formatOnGrant: true, overwrite: true })).how).toBe("formatted");
      });
      expect([...seen].sort()).toEqual(["disk/not-blank", "open", "policy/denied"]);
      expect(killed).toBeGreaterThan(5);
    },
  );

  itWithAll("while it counts, leaves a volume that the next run opens and counts", async () => {
    const secrets = heldSecrets({ [PATH]: [first] });
    await unlock(secrets, { device: kept, isCounted: true, adopt: true });
    const prepare = (): void => {
      copyFileSync(kept, device);
      writeFileSync(state, textOf(secrets.held));
    };
    const killed = await killedAtEach("count", prepare, async (number) => {
      const epoch = (await readDisk(device, nodePrimitives)).header.metadata.tokens["0"]?.epoch;
      expect([number, epoch]).toEqual([number, expect.toSatisfy((one: number) => one === 1 || one === 2)]);
      const held = readHeld(state);
      const next = (held[`${PATH}/epoch`]?.length ?? 0) + 1;
      expect([number, (await unlock(heldSecrets(held), { isCounted: true })).epoch]).toEqual([number, next]);
    });
    expect(killed).toBeGreaterThan(3);
  });
});
