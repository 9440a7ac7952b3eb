import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect } from "vitest";
import { readDisk } from "../../../src/agent/luks/disk.ts";
import { rekeyVolume } from "../../../src/agent/luks/rekey.ts";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import type { UnlockPlan } from "../../../src/agent/luks/volume.ts";
import { isZero } from "../../../src/base/bytes.ts";
import { Fault } from "../../../src/base/fault.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { random } from "../demo-broker.ts";
import { type HeldSecrets, heldSecrets } from "./held-secrets.ts";
import { folderIn, itWithCryptsetup, opensBy, realDisk } from "./real-disk.ts";

const place = folderIn();
afterAll(place.remove);

const PATH = "prod/db1/luks";
const [first, second, third] = [random(32), random(32), random(32)];
const device = join(place.path, "disk");
const kept = join(place.path, "kept");
let secrets: HeldSecrets;

const partsOf = (from: HeldSecrets) => ({ primitives: nodePrimitives, secrets: from });
const unlock = (plan: Partial<UnlockPlan> = {}, from: HeldSecrets = secrets) =>
  unlockVolume({ device, secret: PATH, ...plan }, partsOf(from));
const rekey = (from: HeldSecrets = secrets) => rekeyVolume({ device, secret: PATH }, partsOf(from));

beforeEach(() => {
  secrets = heldSecrets({ [PATH]: [first] });
});

describe("a volume whose secret was rotated", () => {
  itWithCryptsetup(
    "gets a key slot for the new version, tells the broker, and loses the old one",
    async () => {
      realDisk(device, first);
      expect(await codeOfPromise(rekey())).toBe("disk/no-marker");
      await unlock({ adopt: true });
      copyFileSync(device, kept);
      expect(await rekey()).toMatchObject({ version: 1, retired: [] });
      secrets.held[PATH] = [first, second];
      const uuid = (await readDisk(device, nodePrimitives)).header.uuid;
      expect(await rekey()).toMatchObject({ version: 2, retired: [1], uuid });
      expect(secrets.confirmed).toEqual({ [PATH]: 2 });
      expect(await unlock()).toMatchObject({ version: 2, versions: [2] });
      expect([opensBy(device, first), opensBy(device, second)]).toEqual([false, true]);
      expect(secrets.given.every(isZero)).toBe(true);
      expect(await rekey()).toMatchObject({ version: 2, retired: [] });
    },
  );

  itWithCryptsetup(
    "has nothing left of the old key slot, where a copy of its header would open it again",
    async () => {
      copyFileSync(kept, device);
      secrets.held[PATH] = [first, second];
      await rekey();
      const [old, young] = [readFileSync(kept), readFileSync(device)];
      old.copy(young, 0, 0, 32_768);
      writeFileSync(device, young);
      expect(opensBy(device, first)).toBe(false);
    },
  );

  itWithCryptsetup(
    "opens by either key while the broker was not told, and is finished by the next run",
    async () => {
      copyFileSync(kept, device);
      secrets.held[PATH] = [first, second];
      const deaf: HeldSecrets = {
        ...secrets,
        confirm: async (_, version) => {
          if (version === 2) throw new Fault("broker/unreachable", "expected an answer");
        },
      };
      expect(await codeOfPromise(rekey(deaf))).toBe("broker/unreachable");
      expect(await unlock()).toMatchObject({ version: 2, versions: [2, 1] });
      expect([opensBy(device, first), opensBy(device, second)]).toEqual([true, true]);
      secrets.held[PATH] = [first, undefined];
      expect(await unlock()).toMatchObject({ version: 1, versions: [2, 1] });
      secrets.held[PATH] = [first, second, third];
      expect(await rekey()).toMatchObject({ version: 3, retired: [1, 2] });
      expect([first, second, third].map((key) => opensBy(device, key))).toEqual([false, false, true]);
    },
  );

  itWithCryptsetup("keeps the old key where the new version was taken back on the way", async () => {
    copyFileSync(kept, device);
    secrets.held[PATH] = [first, second];
    const deaf: HeldSecrets = {
      ...secrets,
      confirm: () => Promise.reject(new Fault("broker/unreachable", "")),
    };
    const before = readFileSync(device);
    expect(await codeOfPromise(rekey(deaf))).toBe("broker/unreachable");
    expect(readFileSync(device).equals(before)).toBe(true);
  });

  itWithCryptsetup("is not touched for a key that is short, the same, or released by nobody", async () => {
    copyFileSync(kept, device);
    const before = readFileSync(device);
    const rows = [
      ["disk/short-key", [first, random(16)]],
      ["disk/wrong-key", [first, first]],
      ["policy/denied", [first, undefined]],
      ["policy/denied", [undefined, second]],
      ["disk/forged", [third, second]],
    ] as const;
    for (const [code, versions] of rows) {
      secrets.held[PATH] = [...versions];
      expect([code, await codeOfPromise(rekey())]).toEqual([code, code]); // in order: one disk
      expect(readFileSync(device).equals(before)).toBe(true);
    }
    execFileSync("cryptsetup", ["luksDump", device]);
  });
});

describe("a volume that is counted", () => {
  itWithCryptsetup("goes one epoch on with every opening, and an image of before is refused", async () => {
    copyFileSync(kept, device);
    expect(await unlock({ isCounted: true })).toMatchObject({ epoch: 1 });
    copyFileSync(device, join(place.path, "image"));
    expect(await unlock({ isCounted: true })).toMatchObject({ epoch: 2 });
    expect(secrets.confirmed[`${PATH}/epoch`]).toBe(2);
    copyFileSync(join(place.path, "image"), device);
    const before = readFileSync(device);
    expect(await codeOfPromise(unlock({ isCounted: true }))).toBe("disk/rolled-back");
    expect(await codeOfPromise(unlock({ isCounted: true, acceptEpoch: 2 }))).toBe("disk/rolled-back");
    expect(readFileSync(device).equals(before)).toBe(true);
    expect(await codeOfPromise(unlock())).toBe("disk/counted");
    expect(await unlock({ isCounted: true, acceptEpoch: 1 })).toMatchObject({ epoch: 3 });
    secrets.held[PATH] = [first, second];
    expect(await rekey()).toMatchObject({ version: 2 });
    expect(await unlock({ isCounted: true })).toMatchObject({ epoch: 4, version: 2 });
  });

  itWithCryptsetup("is counted from nothing only where the broker has no count either", async () => {
    copyFileSync(kept, device);
    secrets.held[`${PATH}/epoch`] = [random(8), undefined];
    expect(await codeOfPromise(unlock({ isCounted: true }))).toBe("policy/denied");
    const counted = heldSecrets({ [PATH]: [first] });
    copyFileSync(kept, device);
    for (const epoch of [1, 2]) expect(await unlock({ isCounted: true }, counted)).toMatchObject({ epoch }); // in order
    expect(await codeOfPromise(unlock({ isCounted: true }))).toBe("policy/denied");
  });

  itWithCryptsetup("opens after an end between the two counts, and no image of before does", async () => {
    copyFileSync(kept, device);
    await unlock({ isCounted: true });
    copyFileSync(device, join(place.path, "image"));
    const away: HeldSecrets = {
      ...secrets,
      write: () => Promise.reject(new Fault("broker/unreachable", "")),
    };
    expect(await codeOfPromise(unlock({ isCounted: true }, away))).toBe("broker/unreachable");
    expect((await readDisk(device, nodePrimitives)).header.metadata.tokens["0"]?.epoch).toBe(2);
    expect(await unlock({ isCounted: true })).toMatchObject({ epoch: 2 });
    copyFileSync(join(place.path, "image"), device);
    expect(await codeOfPromise(unlock({ isCounted: true }))).toBe("disk/rolled-back");
  });

  itWithCryptsetup("has one guest at a time, and is no other volume of the same secret", async () => {
    copyFileSync(kept, device);
    const other = join(place.path, "other");
    copyFileSync(kept, other);
    const both = await Promise.allSettled([
      unlock({ isCounted: true }),
      unlock({ isCounted: true, device: other }),
    ]);
    const codes = both.map((one) => (one.status === "fulfilled" ? "open" : (one.reason as Fault).code));
    expect(codes.sort()).toEqual(["disk/epoch-taken", "open"]);
    realDisk(other, first);
    await unlock({ adopt: true, device: other }, heldSecrets({ [PATH]: [first] }));
    expect(await codeOfPromise(unlock({ isCounted: true, device: other }))).toBe("disk/foreign");
  });
});
