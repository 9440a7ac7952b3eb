import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../src/base/canonical-json.ts";
import { type Fault, isFault } from "../../src/base/fault.ts";
import { loadBundle, packBundle } from "../../src/policy/bundle.ts";
import { readTar, writeTar } from "../../src/policy/tar.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { SourceFile } from "../../src/writ/sources.ts";
import { itWithVectors, sharedDesign } from "../support/shared-vectors.ts";

const { digest } = nodePrimitives;
const policies = join(import.meta.dirname, "../../policies");
const DEMO: readonly SourceFile[] = ["demo.writ", "refs/demo.writ"].map((path) => ({
  path,
  text: readFileSync(join(policies, path), "utf8"),
}));

function faultOf(act: () => unknown): Fault | undefined {
  try {
    act();
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown;
    throw thrown;
  }
}

/** The demo's bundle with another manifest, or other files under the same one. */
function repacked(
  change: (manifest: JsonObject) => string,
  files: Readonly<Record<string, string>> = {},
): Uint8Array {
  const read = readTar(packBundle(DEMO, undefined, digest));
  const stated = read.find(({ path }) => path === "bundle.json");
  const manifest: JsonObject = JSON.parse(new TextDecoder().decode(stated?.bytes));
  const others = read.filter((file) => file !== stated && files[file.path] === undefined);
  const added = Object.entries(files).map(([path, text]) => ({ path, bytes: utf8(text) }));
  return writeTar([...others, ...added, { path: "bundle.json", bytes: utf8(change(manifest)) }]);
}

describe("a bundle", () => {
  it("opens to the program of its sources, its modules and its digest", () => {
    const tar = packBundle(DEMO, undefined, digest);
    const bundle = loadBundle(tar, digest);
    expect(bundle.digest).toBe(createHash("sha256").update(tar).digest("hex"));
    expect(bundle.modules).toEqual([
      { name: "demo.disks", version: "1.0.0" },
      { name: "demo.refs", version: "1.0.0" },
    ]);
    expect(bundle.manifest).toMatchObject({
      previous: null,
      language: 1,
      vocabulary: { id: "sev-snp", version: 1 },
    });
    expect(Object.keys(bundle.manifest.files)).toEqual(["demo.writ", "refs/demo.writ"]);
    expect(bundle.vcpus.get("02".repeat(48))).toBe(1);
  });

  it("is the same bytes whatever the order of its sources", () => {
    expect(packBundle(DEMO.toReversed(), undefined, digest)).toEqual(packBundle(DEMO, undefined, digest));
  });

  it("names the bundle that it follows", () => {
    const first = loadBundle(packBundle(DEMO, undefined, digest), digest);
    const second = loadBundle(packBundle(DEMO, first.digest, digest), digest);
    expect(second.manifest.previous).toBe(first.digest);
    expect(second.digest).not.toBe(first.digest);
  });

  it("carries tests and other files without compiling them", () => {
    const extra = [
      { path: "demo.test.writ", text: "writ 1\nthis is no policy" },
      { path: "images/kernel", text: new Uint8Array([0, 255]) },
    ];
    const bundle = loadBundle(packBundle([...DEMO, ...extra], undefined, digest), digest);
    expect(Object.keys(bundle.manifest.files)).toContain("images/kernel");
  });

  itWithVectors("takes the reference policies of the language, tests and all", () => {
    const root = join(sharedDesign ?? "", "writ/examples");
    const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".writ"),
    );
    const files = paths.map((path) => ({ path, text: readFileSync(join(root, path)) }));
    const bundle = loadBundle(packBundle(files, undefined, digest), digest);
    expect(bundle.modules.map(({ name }) => name)).toContain("acme.payments.disks");
    expect(Object.keys(bundle.manifest.files)).toEqual(paths.sort());
  });

  const file = fc.record({
    path: fc.stringMatching(/^[a-z][a-z0-9]{0,8}\.txt$/),
    text: fc.uint8Array({ maxLength: 2000 }),
  });
  test.prop([fc.uniqueArray(file, { selector: ({ path }) => path, maxLength: 5 })], { numRuns: 20 })(
    "opens again, whatever files it carries",
    (files) => {
      const bundle = loadBundle(packBundle([...DEMO, ...files], undefined, digest), digest);
      for (const { path, text } of files) {
        expect(bundle.manifest.files[path]).toBe(createHash("sha256").update(text).digest("hex"));
      }
    },
  );
});

describe("the vCPU count of a measurement", () => {
  const entry = (label: string, byte: string, rest: string) =>
    `  "${label}" = hex"${byte.repeat(48)}" ${rest}\n`;
  const refs = (name: string, entries: string) =>
    `refset ${name} of measurement { owner "o@example"\n${entries}}\n`;
  const source = [
    'writ 1\nmodule counts version 1.0.0 { owner "o@example" }\n',
    refs("a", entry("one", "01", "vcpus 4") + entry("two", "02", "vcpus 4") + entry("three", "03", "")),
    refs("b", entry("one", "01", "vcpus 4") + entry("two", "02", "vcpus 8") + entry("four", "04", "vcpus 2")),
    refs("c", entry("four", "04", "") + entry("two again", "02", "vcpus 4")),
    `refset k of id_block.id_key { owner "o@example"\n${entry("key", "05", "vcpus 16")}}\n`,
  ].join("");

  it("is known where the reference values that say it agree", () => {
    const { vcpus } = loadBundle(
      packBundle([{ path: "counts.writ", text: source }], undefined, digest),
      digest,
    );
    expect(["01", "02", "03", "04", "05"].map((byte) => vcpus.get(byte.repeat(48)))).toEqual([
      4,
      undefined,
      undefined,
      2,
      undefined,
    ]);
  });
});

describe("a bundle is refused when", () => {
  const rows: readonly (readonly [string, () => Uint8Array])[] = [
    [
      "it has no manifest",
      () =>
        writeTar(readTar(packBundle(DEMO, undefined, digest)).filter(({ path }) => path !== "bundle.json")),
    ],
    ["its manifest is no JSON", () => repacked(() => "{")],
    ["its manifest is no object", () => repacked(() => "[]")],
    ["its manifest is not canonical", () => repacked((manifest) => `${canonicalJson(manifest)}\n`)],
    [
      "a member is there twice",
      () => repacked((manifest) => canonicalJson(manifest).replace("{", '{"language":1,')),
    ],
    ["a member is missing", () => repacked(({ language: _, ...manifest }) => canonicalJson(manifest))],
    [
      "a member is one too many",
      () => repacked((manifest) => canonicalJson({ ...manifest, approved: true })),
    ],
    ["the language is another", () => repacked((manifest) => canonicalJson({ ...manifest, language: 2 }))],
    [
      "the vocabulary is another",
      () => repacked((manifest) => canonicalJson({ ...manifest, vocabulary: { id: "sev-snp", version: 2 } })),
    ],
    [
      "the previous bundle is no digest",
      () => repacked((manifest) => canonicalJson({ ...manifest, previous: "AB".repeat(32) })),
    ],
    [
      "the previous bundle is not said",
      () => repacked(({ previous: _, ...manifest }) => canonicalJson(manifest)),
    ],
    ["the compiler has no name", () => repacked((manifest) => canonicalJson({ ...manifest, compiler: 1 }))],
    [
      "a module's version is another",
      () => repacked((manifest) => canonicalJson(manifest).replace('"1.0.0"', '"9.0.0"')),
    ],
    [
      "a hash is wrong",
      () => repacked((manifest) => canonicalJson(manifest).replace(/[0-9a-f]{64}/, "0".repeat(64))),
    ],
    [
      "a source was changed",
      () => repacked(canonicalJson, { "demo.writ": `${String(DEMO[0]?.text)}\n# changed\n` }),
    ],
    ["a file is there that no hash covers", () => repacked(canonicalJson, { "extra.txt": "extra" })],
    ["a source is there that no hash covers", () => repacked(canonicalJson, { "extra.writ": "writ 1\n" })],
    [
      "a hash covers no file",
      () => repacked((manifest) => canonicalJson({ ...manifest, files: { gone: "0".repeat(64) } })),
    ],
  ];
  for (const [deviation, tar] of rows) {
    it(deviation, () => {
      expect(faultOf(() => loadBundle(tar(), digest))?.code).toBe("policy/malformed");
    });
  }

  it("its sources do not compile, and says where the first error is", () => {
    const broken = [{ path: "bad.writ", text: 'writ 1\npolicy p {\n  for resource "a"\n  permit\n}\n' }];
    const fault = faultOf(() => packBundle(broken, undefined, digest));
    expect(fault?.code).toBe("policy/malformed");
    expect(fault?.detail["at"]).toBe("bad.writ:4");
    expect(fault?.detail["first"]).toBe("E0106");
  });

  it("an import leaves it", () => {
    const lone = DEMO.filter(({ path }) => path === "demo.writ");
    expect(faultOf(() => packBundle(lone, undefined, digest))?.code).toBe("policy/malformed");
  });

  it("a source would take the manifest's place", () => {
    const squatter = [...DEMO, { path: "bundle.json", text: "{}" }];
    expect(faultOf(() => packBundle(squatter, undefined, digest))?.code).toBe("policy/malformed");
  });

  it("any byte of its archive was changed", () => {
    const good = packBundle(DEMO, undefined, digest);
    for (let at = 0; at < good.length; at += 97) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x20;
      expect([at, faultOf(() => loadBundle(bad, digest))?.code]).toEqual([at, "policy/malformed"]);
    }
  });

  test.prop([fc.uint8Array({ maxLength: 3000 })])("it is any bytes whatever", (bytes) => {
    expect(faultOf(() => loadBundle(bytes, digest))?.code).toBe("policy/malformed");
  });
});
