import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect } from "vitest";
import { nextOf, readDisk, writeDisk } from "../../../src/agent/luks/disk.ts";
import { withMarkers } from "../../../src/agent/luks/marker.ts";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import type { UnlockPlan } from "../../../src/agent/luks/volume.ts";
import { isZero, utf8 } from "../../../src/base/bytes.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { random } from "../demo-broker.ts";
import { type HeldSecrets, heldSecrets } from "./held-secrets.ts";
import { blankDisk, folderIn, itWithCryptsetup, opensBy, realDisk, tamper } from "./real-disk.ts";

const place = folderIn();
afterAll(place.remove);

const PATH = "prod/db1/luks";
const key = random(32);
const device = join(place.path, "disk");
const kept = join(place.path, "kept");
let secrets: HeldSecrets;

function unlock(plan: Partial<UnlockPlan> = {}, from: HeldSecrets = secrets) {
  return unlockVolume({ device, secret: PATH, ...plan }, { primitives: nodePrimitives, secrets: from });
}

beforeEach(() => {
  secrets = heldSecrets({ [PATH]: [key] });
});

describe("a volume with the broker's marker", () => {
  itWithCryptsetup("is opened, by the version that it names, and the plaintext is overwritten", async () => {
    realDisk(device, key);
    expect(await codeOfPromise(unlock())).toBe("disk/no-marker");
    expect(secrets.asked).toEqual([]);
    expect(await unlock({ adopt: true })).toMatchObject({ how: "adopted", version: 1, versions: [1] });
    copyFileSync(device, kept);
    secrets.held[PATH] = [key, random(32)];
    expect(await unlock()).toMatchObject({ how: "marked", version: 1, secret: PATH });
    expect(secrets.asked).toEqual([PATH, `${PATH} 1`]);
    expect(secrets.given.every(isZero)).toBe(true);
    expect(opensBy(device, key)).toBe(true);
    expect(String(execFileSync("cryptsetup", ["luksDump", device]))).toMatch(/Tokens:\s+0: x-ostiary/);
  });

  itWithCryptsetup(
    "is refused with any bit of its key slot or its metadata changed, before the key is tried",
    async () => {
      const other = join(place.path, "other");
      for (const at of [32_768, 32_768 + 256_000 - 1, 100_000]) {
        copyFileSync(kept, other);
        const bytes = readFileSync(other);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        writeFileSync(other, bytes);
        expect([at, await codeOfPromise(unlock({ device: other }))]).toEqual([at, "disk/forged"]); // in order: one file
      }
      for (const words of [
        ["--priority", "prefer"],
        ["--label", "other"],
      ]) {
        copyFileSync(kept, other);
        execFileSync("cryptsetup", ["config", ...words, "--key-slot", "0", other]);
        expect(await codeOfPromise(unlock({ device: other }))).toMatch(/^disk\/(forged|bad-header)$/);
      }
    },
  );

  itWithCryptsetup(
    "is refused where its key slot opens by the right key, and wraps a volume key of somebody else",
    async () => {
      const other = realDisk(join(place.path, "other"), key);
      const [stranger, own] = [await readDisk(other, nodePrimitives), await readDisk(kept, nodePrimitives)];
      const { tokens } = own.header.metadata;
      const header = { ...nextOf(stranger).header, metadata: { ...stranger.header.metadata, tokens } };
      await writeDisk(
        other,
        { before: stranger.raw, after: { header, areas: stranger.areas } },
        nodePrimitives,
      );
      expect(opensBy(other, key)).toBe(true);
      expect(await codeOfPromise(unlock({ device: other }))).toBe("disk/forged");
    },
  );

  itWithCryptsetup("is refused under another secret, or as the volume of another path", async () => {
    copyFileSync(kept, device);
    expect(await codeOfPromise(unlock({}, heldSecrets({ [PATH]: [random(32)] })))).toBe("disk/forged");
    const before = secrets.asked.length;
    expect(await codeOfPromise(unlock({ secret: "prod/db2/luks" }))).toBe("disk/foreign");
    expect(secrets.asked.length).toBe(before);
    expect(await codeOfPromise(unlock({ integrity: true }))).toBe("disk/bad-header");
  });

  itWithCryptsetup(
    "is asked for no key where its header has a null cipher, and adopted neither",
    async () => {
      for (const before of [
        '"encryption":"aes-xts-plain64","key_size"',
        '"encryption":"aes-xts-plain64","sector_size"',
      ]) {
        realDisk(device, key);
        tamper(device, (text) => text.replace(before, before.replace("aes-xts-plain64", "cipher_null-ecb")));
        expect(String(execFileSync("cryptsetup", ["luksDump", device]))).toContain("cipher_null-ecb");
        for (const plan of [{}, { adopt: true }])
          expect(await codeOfPromise(unlock(plan))).toBe("disk/bad-header"); // in order
      }
      expect(secrets.asked).toEqual([]);
    },
  );

  itWithCryptsetup("opens after a cut between or within the two writes of its header", async () => {
    copyFileSync(kept, device);
    const disk = await readDisk(device, nodePrimitives);
    const facts = { secret: PATH, epoch: 0, state: "ready" } as const;
    const after = withMarkers(nextOf(disk), facts, {
      keys: [{ slot: "0", version: 1, secret: key }],
      primitives: nodePrimitives,
    });
    await writeDisk(device, { before: disk.raw, after }, nodePrimitives);
    const [old, young] = [readFileSync(kept), readFileSync(device)];
    for (const cut of [0, 512, 4096, 5000, 16_384, 20_000, 32_768]) {
      writeFileSync(device, Buffer.concat([young.subarray(0, cut), old.subarray(cut)]));
      expect([cut, (await unlock()).how]).toEqual([cut, "marked"]); // in order: one file
    }
  });

  itWithCryptsetup("is not written where the disk changed meanwhile", async () => {
    copyFileSync(kept, device);
    const disk = await readDisk(device, nodePrimitives);
    realDisk(device, random(32));
    const written = writeDisk(device, { before: disk.raw, after: nextOf(disk) }, nodePrimitives);
    expect(await codeOfPromise(written)).toBe("disk/changed");
  });
});

describe("a volume without a marker", () => {
  itWithCryptsetup("is adopted only by the key that opens it, and by a key that nobody guesses", async () => {
    realDisk(device, key);
    const before = readFileSync(device);
    expect(await codeOfPromise(unlock({ adopt: true }, heldSecrets({ [PATH]: [random(32)] })))).toBe(
      "disk/wrong-key",
    );
    expect(readFileSync(device).equals(before)).toBe(true);
    const short = utf8("correct horse battery");
    realDisk(device, short);
    expect(await codeOfPromise(unlock({ adopt: true }, heldSecrets({ [PATH]: [short] })))).toBe(
      "disk/short-key",
    );
  });
});

describe("a disk that is no volume", () => {
  const grantFor = (more: object = {}): Uint8Array =>
    utf8(JSON.stringify({ format: PATH, over: "blank", ...more }));
  const uuid = "6c1f7fd6-6b23-4b4e-9ea1-2f6e9e8e1c11";
  const granting = (grant: Uint8Array): HeldSecrets =>
    heldSecrets({ [PATH]: [key], [`${PATH}/format`]: [grant] }, [`${PATH}/format`]);

  itWithCryptsetup("becomes one on a grant, which is spent; then it is opened by its marker", async () => {
    blankDisk(device);
    expect(await codeOfPromise(unlock())).toBe("disk/not-luks");
    const from = granting(grantFor({ uuid }));
    expect(await unlock({ formatOnGrant: true }, from)).toMatchObject({ how: "formatted", uuid, version: 1 });
    expect(await unlock({ formatOnGrant: true }, from)).toMatchObject({ how: "marked", uuid });
    expect(from.asked).toEqual([PATH, `${PATH}/format`, `${PATH} 1`]);
    expect(from.given.every(isZero)).toBe(true);
    expect(opensBy(device, key)).toBe(true);
    blankDisk(device);
    expect(await codeOfPromise(unlock({ formatOnGrant: true }, from))).toBe("policy/denied");
    expect(isZero(readFileSync(device))).toBe(true);
  });

  itWithCryptsetup(
    "asks for no grant where the disk has something, and for the key first where it may be spent",
    async () => {
      put(1080);
      const from = granting(grantFor());
      await codeOfPromise(unlock({ formatOnGrant: true }, from));
      expect(from.asked).toEqual([]);
      blankDisk(device);
      const denied = heldSecrets({ [`${PATH}/format`]: [grantFor()] });
      expect(await codeOfPromise(unlock({ formatOnGrant: true }, denied))).toBe("secret/absent");
      expect(denied.asked).toEqual([PATH]);
    },
  );

  itWithCryptsetup("is overwritten where both the command and the grant say so", async () => {
    realDisk(device, random(32));
    const from = granting(grantFor({ over: "anything" }));
    expect(await unlock({ formatOnGrant: true, overwrite: true }, from)).toMatchObject({ how: "formatted" });
    expect(opensBy(device, key)).toBe(true);
  });

  function put(at: number): void {
    blankDisk(device);
    const bytes = readFileSync(device);
    bytes[at] = 0x53;
    writeFileSync(device, bytes);
    truncateSync(device, 32 << 20);
  }
});
