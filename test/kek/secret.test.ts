/** Is a key-encryption key that systemd or the environment hands over the same key, and refused where it is none? */
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openKekCredential, openKekFile } from "../../src/kek/file.ts";
import { openKekVariable } from "../../src/kek/variable.ts";
import { nodeKekParts } from "../../src/runtime/node/open-kek.ts";
import { describeKek } from "../contract/kek.ts";

const folder = mkdtempSync(join(tmpdir(), "ostiary-kek-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function place(name: string, bytes: Uint8Array, mode: number): string {
  writeFileSync(join(folder, name), bytes);
  chmodSync(join(folder, name), mode);
  return name;
}

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
const OTHER = KEY.slice().reverse();
const digitsOf = (key: Uint8Array): string => Buffer.from(key).toString("hex");
const credential = (name: string, where: string | undefined = folder) =>
  openKekCredential(name, where, nodeKekParts);
const variable = (value: string | undefined) => openKekVariable("KEY", { KEY: value }, nodeKekParts);

place("key", KEY, 0o400);
place("other", OTHER, 0o440);

describeKek(
  "a credential of systemd",
  () => credential("key"),
  () => credential("other"),
);

describeKek(
  "a variable",
  async () => variable(digitsOf(KEY)),
  async () => variable(digitsOf(OTHER)),
);

describe("the same 32 bytes", () => {
  it("are the same key in a file, a credential and a variable: what one wrapped the others open", async () => {
    place("file", KEY, 0o600);
    const file = await openKekFile(join(folder, "file"), nodeKekParts);
    const wrapped = await file.wrap(Uint8Array.of(1, 2, 3), Uint8Array.of(9));
    for (const kek of [await credential("key"), variable(digitsOf(KEY).toUpperCase())]) {
      expect(kek.id).toBe(file.id);
      expect(await kek.unwrap(wrapped, Uint8Array.of(9))).toEqual(Uint8Array.of(1, 2, 3));
    }
  });
});

const UNAVAILABLE = { code: "kek/unavailable" };

describe("a credential", () => {
  it("is refused without systemd's folder, or below one that depends on where the broker was started", async () => {
    for (const where of [undefined, "", "credentials", "./x"]) {
      await expect(openKekCredential("key", where, nodeKekParts)).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringContaining("LoadCredential="),
      });
    }
  });

  it("is refused where it is not there, a link, of another size, zeros, or open to every user", async () => {
    symlinkSync(join(folder, "key"), join(folder, "link"));
    place("short", KEY.slice(1), 0o400);
    place("zeros", new Uint8Array(32), 0o400);
    for (const mode of [0o404, 0o444, 0o402, 0o401]) place(`open-${mode}`, KEY, mode);
    const names = ["absent", "link", "short", "zeros", "open-260", "open-292", "open-258", "open-257"];
    for (const name of names) await expect(credential(name), name).rejects.toMatchObject(UNAVAILABLE);
  });
});

describe("a variable", () => {
  it("is gone from the environment once it was read, whatever it held", () => {
    for (const value of [digitsOf(KEY), "no key"]) {
      const environment: Record<string, string | undefined> = { KEY: value, HOME: "/" };
      try {
        openKekVariable("KEY", environment, nodeKekParts);
      } catch {
        // refused, and gone all the same
      }
      expect(environment).toEqual({ HOME: "/" });
    }
  });

  it("is refused unless it holds 64 hexadecimal digits, and is never quoted", () => {
    const good = digitsOf(KEY);
    const bad = [
      "",
      good.slice(1),
      `${good}0`,
      `${good}\n`,
      ` ${good}`,
      `0x${good.slice(2)}`,
      "0".repeat(64),
      undefined,
    ];
    for (const value of bad) {
      expect(() => variable(value), value).toThrowError(expect.objectContaining(UNAVAILABLE));
      try {
        variable(value);
      } catch (thrown) {
        if (value !== undefined && value !== "")
          expect(JSON.stringify(thrown)).not.toContain(value.trim().slice(0, 8));
        expect(String(thrown)).not.toContain(good.slice(8, 24));
      }
    }
  });
});
