/** What does `ostiary reference` print and refuse, over files in memory? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { base64Of, hexOf, utf8 } from "../../src/base/bytes.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createReferenceCommand } from "../../src/cli/commands/reference.ts";
import { readPrivateKey, readPublicKey } from "../../src/runtime/node/pem-keys.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { corimBytes, launch, NOW, triple } from "../reference/made-corim.ts";
import { VERAISON } from "../reference/vectors.ts";
import { endorsementOf, simulatedProvider } from "../support/provider.ts";

const folder = mkdtempSync(join(tmpdir(), "ostiary-reference-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const OWNED = ["--owner", "team@example.org"];
const MANY = Array.from({ length: 5_000 }, (_, at) => {
  const digest = new Uint8Array(48);
  digest.set([at & 0xff, at >> 8]);
  return triple([launch(digest)]);
});
const signer = await nodePrimitives.generateKeyPair("p-384");
const FILES: Readonly<Record<string, Uint8Array>> = {
  "acme.corim": VERAISON.es384,
  "acme.pub": pem("PUBLIC KEY", VERAISON.es384Key),
  "other.pub": pem("PUBLIC KEY", VERAISON.eddsaKey),
  "bare.corim": VERAISON.unsigned,
  "open.corim": corimBytes(),
  "chip.corim": corimBytes({ corim: [[3, { tag: 32, value: "tag:other" }]] }),
  "many.corim": corimBytes({ triples: MANY }),
  "google.binarypb": endorsementOf(),
  "root.der": simulatedProvider().firmwareRoot,
  "keys.json": utf8(JSON.stringify(["942f".repeat(24)])),
  "key.pem": pem("PRIVATE KEY", signer.pkcs8),
  "key.pub": pem("PUBLIC KEY", signer.spki),
  "set.writ": utf8(setOf("")),
  "floors.writ": utf8(`writ 1
module floors version 1.0.0 { owner "t" }
floor org { owner "t" milan { bootloader 3, tee 0, snp 24, microcode 211 } }`),
  "broken.writ": utf8("writ 1\nrefset"),
};

function pem(label: string, der: Uint8Array): Uint8Array {
  return utf8(
    `-----BEGIN ${label}-----\n${base64Of(der).replaceAll(/(.{64})/g, "$1\n")}\n-----END ${label}-----\n`,
  );
}

function setOf(second: string): string {
  return `writ 1
module team.images version 2.1.0 { owner "team@example.org" }
refset images of measurement {
  owner "images@example.org"
  "base 1.0.0 / 2 vcpu" = hex"${"11".repeat(48)}" version 1.0.0 vcpus 2 valid 2026-11-01 .. 2027-05-01
  "base 1.0.0 / 4 vcpu" = hex"${"22".repeat(48)}" version 1.0.0 vcpus 4 valid 2026-11-01 .. 2027-05-01
  ${second}
}`;
}

for (const [name, bytes] of Object.entries(FILES)) writeFileSync(join(folder, name), bytes);

async function reference(...args: readonly string[]) {
  const printed: string[] = [];
  const told: string[] = [];
  const written: Record<string, Uint8Array> = {};
  const terminal: Terminal = {
    out: (text) => void printed.push(text),
    err: (text) => void told.push(text),
    isTty: false,
    readFile: async (path) => {
      const bytes = written[path] ?? FILES[path.replace(`${folder}/`, "")];
      return bytes ?? Promise.reject(new Error(`no ${path}`));
    },
    writeFile: async (path, bytes) => {
      written[path] = bytes;
    },
  };
  const command = createReferenceCommand({
    primitives: nodePrimitives,
    now: () => NOW,
    readKey: readPrivateKey,
    readPublicKey,
  });
  const run = async (words: readonly string[]) => {
    try {
      return await command.run(words, terminal);
    } catch (thrown) {
      told.push(thrown instanceof Error ? thrown.message : String(thrown));
      return exitStatusOf(thrown, ({ code }) => FAULT_CODES[code].status);
    }
  };
  const status = await run(args);
  return { status, text: printed.join(""), told: told.join(""), written, run, printed };
}

describe("ostiary reference import", () => {
  it("prints a module with where each value comes from, and tells what it left out", async () => {
    const { status, text, told } = await reference(
      "import",
      "corim",
      "acme.corim",
      "--key",
      "other.pub",
      "--key",
      "acme.pub",
      ...OWNED,
    );
    expect(status).toBe(0);
    const sha256 = (bytes: Uint8Array) => hexOf(nodePrimitives.digest("sha256", bytes));
    expect(text).toContain(
      `source "corim acme-snp-2026-11, signed by ACME Ltd signing key, key sha256:${sha256(VERAISON.es384Key)}, file sha256:${sha256(VERAISON.es384)}, tag f659d510-3698-4b52-9dc6-39a0dd620998 version 3"`,
    );
    expect(text).toContain("valid 2026-11-01 .. 2027-05-01\n");
    expect(text).toContain("floor images_tcb_reported {\n");
    expect(text).toContain(
      "  require measurement in images\n  require tcb.reported at least images_tcb_reported\n",
    );
    expect(told.split("\n").filter((line) => line.startsWith("not carried over: "))).toHaveLength(6);
    expect(text.split("\n").filter((line) => line.startsWith("# not carried over: "))).toHaveLength(6);
  });

  it("narrows the file's own dates by those that are asked for, and never widens them", async () => {
    const asked = async (valid: string) =>
      reference("import", "corim", "bare.corim", "--unsigned", "--valid", valid, ...OWNED);
    expect((await asked("2026-12-01..2027-02-01")).text).toContain("valid 2026-12-01 .. 2027-02-01\n");
    expect((await asked("2020-01-01..2099-01-01")).text).toContain("valid 2026-11-01 .. 2027-05-01\n");
    expect((await asked("2028-01-01..2029-01-01")).status).toBe(2);
  });

  it("lets values that have no dates hold for a year from today", async () => {
    const { text } = await reference("import", "corim", "open.corim", "--unsigned", ...OWNED);
    expect(text).toContain("valid 2026-12-01 .. 2027-12-01\n");
  });

  it("takes Google's word on its firmware, and says where a simulator gave it", async () => {
    const { status, text } = await reference(
      "import",
      "google",
      "google.binarypb",
      "--root",
      "root.der",
      "--refset",
      "gce",
      ...OWNED,
    );
    expect(status).toBe(0);
    expect(text).toContain("refset gce of measurement {");
    expect(text).toContain("    vcpus 224\n");
    expect(text).toContain("# svn 3, signed at 2026-01-01T00:00:00Z\n");
    expect(text).toContain("google launch endorsement, BY A SIMULATOR, uefi sha384:0f0f");
  });

  it("takes a list of Azure's keys", async () => {
    const { status, text } = await reference(
      "import",
      "azure",
      "keys.json",
      "--unsigned",
      "--refset",
      "azure",
      ...OWNED,
    );
    expect(status).toBe(0);
    expect(text).toContain("refset azure of id_block.id_key {");
    expect(text).toContain("signed by nobody");
  });

  it.each<[string, readonly string[], number, string]>([
    ["no kind of file", ["import", "pem", "x"], 2, "expected corim, google or azure"],
    ["no verb", ["show"], 2, "expected import or export"],
    ["no owner", ["import", "corim", "open.corim", "--unsigned"], 2, "--owner"],
    [
      "an owner that would end its text",
      ["import", "corim", "open.corim", "--unsigned", "--owner", 'a"b'],
      2,
      "--owner",
    ],
    [
      "a name that Writ does not have",
      ["import", "corim", "open.corim", "--unsigned", "--refset", "a-b", ...OWNED],
      2,
      "--refset",
    ],
    [
      "a version that is none",
      ["import", "corim", "open.corim", "--unsigned", "--module-version", "1", ...OWNED],
      2,
      "--module-version",
    ],
    ["neither key nor --unsigned", ["import", "corim", "open.corim", ...OWNED], 2, "--key PUB"],
    [
      "both of them",
      ["import", "corim", "open.corim", "--unsigned", "--key", "acme.pub", ...OWNED],
      2,
      "--key PUB",
    ],
    [
      "a product that nobody knows",
      ["import", "corim", "open.corim", "--unsigned", "--product", "rome", ...OWNED],
      2,
      "--product",
    ],
    ["no root", ["import", "google", "google.binarypb", ...OWNED], 2, "--root"],
    [
      "a key for Google's word",
      ["import", "google", "google.binarypb", "--root", "root.der", "--key", "acme.pub", ...OWNED],
      2,
      "--key",
    ],
    ["a list that is said to be signed", ["import", "azure", "keys.json", ...OWNED], 2, "--unsigned"],
    [
      "no signature",
      ["import", "corim", "open.corim", "--key", "acme.pub", ...OWNED],
      1,
      "expected a signed CoRIM",
    ],
    [
      "another key",
      ["import", "corim", "acme.corim", "--key", "other.pub", ...OWNED],
      1,
      "expected a signature by one of the keys",
    ],
    [
      "a signature that nobody looks at",
      ["import", "corim", "acme.corim", "--unsigned", ...OWNED],
      1,
      "expected a key",
    ],
    ["nothing that Writ can hold", ["import", "corim", "chip.corim", "--unsigned", ...OWNED], 1, "tag:other"],
    [
      "a private key for a public one",
      ["import", "corim", "acme.corim", "--key", "key.pem", ...OWNED],
      3,
      "expected a public key",
    ],
    ["what is no CoRIM", ["import", "corim", "keys.json", "--unsigned", ...OWNED], 3, "CBOR"],
    [
      "more than a module holds",
      ["import", "corim", "many.corim", "--unsigned", ...OWNED],
      3,
      "fit in one module",
    ],
  ])("refuses %s", async (_name, args, expected, sentence) => {
    const { status, told, text } = await reference(...args);
    expect([status, text]).toEqual([expected, ""]);
    expect(told).toContain(sentence);
  });
});

describe("ostiary reference export", () => {
  const of = (name: string) => join(folder, name);

  it("writes a CoRIM that comes back under the key that signed it, and under no other", async () => {
    const { status, text, run, printed, written } = await reference(
      "export",
      of("set.writ"),
      "--refset",
      "images",
      "--sign",
      "key.pem",
      "--out",
      "out.corim",
    );
    expect([status, Object.keys(written)]).toEqual([0, ["out.corim"]]);
    expect(text).toContain(`key sha256:${hexOf(nodePrimitives.digest("sha256", signer.spki))}`);
    printed.length = 0;
    expect(await run(["import", "corim", "out.corim", "--key", "key.pub", ...OWNED])).toBe(0);
    const again = printed.join("");
    expect(again).toContain("corim ostiary:team.images:2.1.0, signed by images@example.org");
    for (const count of [2, 4]) expect(again).toContain(`"base 1.0.0 / ${count} vcpu"`);
    expect(again).toContain(
      "    version 1.0.0\n    vcpus 4\n    valid 2026-11-01 .. 2027-05-01\n    state active\n",
    );
    expect(await run(["import", "corim", "out.corim", "--key", "other.pub", ...OWNED])).toBe(1);
  });

  it("writes a floor, for the TCB that was said", async () => {
    const { status, run, printed } = await reference(
      "export",
      of("floors.writ"),
      "--floor",
      "org=committed",
      "--signer",
      "team",
      "--id",
      "floors-1",
      "--unsigned",
      "--out",
      "f.corim",
    );
    expect(status).toBe(0);
    printed.length = 0;
    expect(await run(["import", "corim", "f.corim", "--unsigned", ...OWNED])).toBe(0);
    expect(printed.join("")).toContain("floor images_tcb_committed {");
    expect(printed.join("")).toContain("milan { bootloader 3, tee 0, snp 24, microcode 211 }");
  });

  it("writes entries of one window, and asks for it where there are several", async () => {
    const two = `"base 1.1.0 / 2 vcpu" = hex"${"33".repeat(48)}" vcpus 2 valid 2027-01-01 .. 2027-07-01`;
    writeFileSync(of("two.writ"), setOf(two));
    Object.assign(FILES, { "two.writ": utf8(setOf(two)) });
    const words = ["export", of("two.writ"), "--refset", "images", "--unsigned", "--out", "o"];
    const asked = await reference(...words);
    expect([asked.status, asked.told]).toEqual([
      2,
      expect.stringContaining("2026-11-01..2027-05-01, 2027-01-01..2027-07-01"),
    ]);
    const { status, run, printed, told } = await reference(...words, "--valid", "2026-11-01..2027-05-01");
    expect([status, told]).toEqual([
      0,
      'not carried over: "base 1.1.0 / 2 vcpu" of images: it holds in another window\n',
    ]);
    printed.length = 0;
    await run(["import", "corim", "o", "--unsigned", ...OWNED]);
    expect(printed.join("")).toContain("base 1.0.0 / 4 vcpu");
    expect(printed.join("")).not.toContain("base 1.1.0");
  });

  it.each<[string, readonly string[], number, string]>([
    ["no file to write", ["export", of("set.writ"), "--refset", "images", "--unsigned"], 2, "--out"],
    [
      "neither key nor --unsigned",
      ["export", of("set.writ"), "--refset", "images", "--out", "o"],
      2,
      "--sign",
    ],
    ["nothing to write", ["export", of("set.writ"), "--unsigned", "--out", "o"], 2, "--refset NAME"],
    [
      "a set that is not there",
      ["export", of("set.writ"), "--refset", "other", "--unsigned", "--out", "o"],
      2,
      "other",
    ],
    [
      "a floor of no TCB",
      ["export", of("floors.writ"), "--floor", "org", "--unsigned", "--out", "o"],
      2,
      "--floor NAME=",
    ],
    [
      "nobody who says it",
      ["export", of("floors.writ"), "--floor", "org=launch", "--unsigned", "--out", "o"],
      2,
      "--signer",
    ],
    [
      "a window that no entry has",
      [
        "export",
        of("set.writ"),
        "--refset",
        "images",
        "--valid",
        "2026-01-01..2026-02-01",
        "--unsigned",
        "--out",
        "o",
      ],
      1,
      "expected a reference value",
    ],
    [
      "a source with a mistake",
      ["export", of("broken.writ"), "--refset", "images", "--unsigned", "--out", "o"],
      1,
      "error",
    ],
  ])("refuses %s", async (_name, args, expected, sentence) => {
    const { status, told, written } = await reference(...args);
    expect([status, written]).toEqual([expected, {}]);
    expect(told).toContain(sentence);
  });
});
