/** Is a key-encryption key in a file made safely, and refused when others could have read or swapped it? */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createKekFile, openKekFile } from "../../src/kek/file.ts";
import { nodeKekParts } from "../../src/runtime/node/open-kek.ts";
import { describeKek } from "../contract/kek.ts";

const folder = mkdtempSync(join(tmpdir(), "ostiary-kek-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const openAt = (name: string) => openKekFile(at(name), nodeKekParts);

function place(name: string, bytes: Uint8Array, mode = 0o600): string {
  writeFileSync(at(name), bytes, { mode });
  chmodSync(at(name), mode);
  return name;
}

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
place("key", KEY);
place("other-key", KEY.slice().reverse());

describeKek(
  "a file",
  () => openAt("key"),
  () => openAt("other-key"),
);

describe("opening a key file", () => {
  it("answers with the same id wherever the file lies", async () => {
    place("copy", KEY);
    expect((await openAt("copy")).id).toBe((await openAt("key")).id);
  });

  it("derives the id that docs/envelope.md shows", async () => {
    place(
      "of-the-example",
      Uint8Array.from({ length: 32 }, (_, i) => i),
    );
    expect((await openAt("of-the-example")).id).toBe("file:3e2ed665fad00f7cca1acfc10e05f99e");
  });

  it("does not show the key in its id", async () => {
    const { id } = await openAt("key");
    expect(id).toMatch(/^file:[0-9a-f]{32}$/);
    expect(id).not.toContain("01020304");
  });

  it.each(["640", "604", "660", "644", "610", "601", "620", "602", "777"])(
    "refuses a file with mode 0%s",
    async (mode) => {
      await expectUnavailable(place(`mode-${mode}`, KEY, Number.parseInt(mode, 8)));
    },
  );

  it("opens a file that its owner may only read", async () => {
    expect((await openAt(place("read-only", KEY, 0o400))).id).toMatch(/^file:/);
  });

  it.each([0, 1, 31, 33, 64, 4096])("refuses a file of %i bytes", async (size) => {
    await expectUnavailable(place(`size-${size}`, new Uint8Array(size).fill(9)));
  });

  it("refuses a file of zeros", async () => {
    await expectUnavailable(place("zeros", new Uint8Array(32)));
  });

  it("refuses what is no regular file, and does not wait for a pipe", async () => {
    mkdirSync(at("a-folder"), { mode: 0o700 });
    symlinkSync(at("key"), at("link"));
    symlinkSync(at("nowhere"), at("dangling"));
    execFileSync("mkfifo", ["-m", "600", at("pipe")]);
    for (const name of ["a-folder", "link", "dangling", "pipe", "nowhere", "key/below"]) {
      await expectUnavailable(name);
    }
  });

  it("says which file it is about", async () => {
    await expect(openAt("nowhere")).rejects.toMatchObject({ detail: { path: at("nowhere") } });
  });

  async function expectUnavailable(name: string): Promise<void> {
    await expect(openAt(name)).rejects.toMatchObject({ code: "kek/unavailable" });
  }
});

describe("making a key file", () => {
  it("makes 32 random bytes for the owner alone, whatever the umask", async () => {
    const before = process.umask(0o377);
    try {
      await createKekFile(at("new"));
      await createKekFile(at("newer"));
    } finally {
      process.umask(before);
    }
    expect(statSync(at("new")).mode & 0o7777).toBe(0o600);
    expect(readFileSync(at("new")).length).toBe(32);
    expect(readFileSync(at("new"))).not.toEqual(readFileSync(at("newer")));
    expect((await openAt("new")).id).not.toBe((await openAt("newer")).id);
  });

  it("never overwrites, and never writes through a link", async () => {
    symlinkSync(at("link-target"), at("link-for-new"));
    linkSync(at("key"), at("hard-link"));
    for (const name of ["key", "link", "link-for-new", "hard-link", "a-folder"]) {
      await expect(createKekFile(at(name))).rejects.toMatchObject({ code: "file/unusable" });
    }
    expect(existsSync(at("link-target"))).toBe(false);
    expect(Uint8Array.from(readFileSync(at("key")))).toEqual(KEY);
  });

  it("refuses a folder that is not there", async () => {
    await expect(createKekFile(at("no/such/folder"))).rejects.toMatchObject({ code: "file/unusable" });
  });
});
