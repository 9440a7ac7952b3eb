import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import type { UnlockPlan } from "../../../src/agent/luks/volume.ts";
import { utf8 } from "../../../src/base/bytes.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { random } from "../demo-broker.ts";
import { type HeldSecrets, heldSecrets } from "./held-secrets.ts";
import { blankDisk, folderIn, itWithCryptsetup, realDisk } from "./real-disk.ts";

const place = folderIn();
afterAll(place.remove);

const PATH = "prod/db1/luks";
const key = random(32);
const device = join(place.path, "disk");
const secrets = heldSecrets({ [PATH]: [key] });

function unlock(plan: Partial<UnlockPlan>, from: HeldSecrets) {
  return unlockVolume({ device, secret: PATH, ...plan }, { primitives: nodePrimitives, secrets: from });
}

function put(at: number): void {
  blankDisk(device);
  const bytes = readFileSync(device);
  bytes[at] = 0x53;
  writeFileSync(device, bytes);
}

const grantFor = (more: object = {}): Uint8Array =>
  utf8(JSON.stringify({ format: PATH, over: "blank", ...more }));
const granting = (grant: Uint8Array): HeldSecrets =>
  heldSecrets({ [PATH]: [key], [`${PATH}/format`]: [grant] });

describe("a disk that is no volume", () => {
  itWithCryptsetup("is formatted for none of these", async () => {
    const rows: readonly (readonly [string, string, () => void, HeldSecrets, Partial<UnlockPlan>])[] = [
      ["no grant", "secret/absent", () => blankDisk(device), secrets, {}],
      [
        "a grant for another volume",
        "disk/bad-grant",
        () => blankDisk(device),
        granting(utf8('{"format":"prod/db2/luks","over":"blank"}')),
        {},
      ],
      ["a grant that is none", "disk/bad-grant", () => blankDisk(device), granting(random(32)), {}],
      [
        "a grant with more in it",
        "disk/bad-grant",
        () => blankDisk(device),
        granting(grantFor({ wipe: true })),
        {},
      ],
      [
        "something at the beginning",
        "disk/not-blank",
        () => put(1080),
        granting(grantFor({ over: "anything" })),
        {},
      ],
      [
        "something at the end",
        "disk/not-blank",
        () => put((32 << 20) - 512),
        granting(grantFor({ over: "anything" })),
        {},
      ],
      [
        "something, and a grant for a blank one",
        "disk/not-blank",
        () => put(1080),
        granting(grantFor()),
        { overwrite: true },
      ],
      [
        "a volume of somebody else",
        "disk/not-blank",
        () => realDisk(device, random(32)),
        granting(grantFor()),
        {},
      ],
      ["a short key", "disk/short-key", () => blankDisk(device), heldSecrets({ [PATH]: [random(16)] }), {}],
      ["a disk too small", "file/unusable", () => blankDisk(device, 1 << 20), granting(grantFor()), {}],
    ];
    for (const [name, code, prepare, from, plan] of rows) {
      prepare();
      const before = readFileSync(device);
      const outcome = await codeOfPromise(unlock({ formatOnGrant: true, ...plan }, from)); // in order: one disk
      expect([name, outcome]).toEqual([name, code]);
      expect([name, readFileSync(device).equals(before)]).toEqual([name, true]);
    }
  });
});
