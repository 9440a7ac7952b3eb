import { createHash } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { MAX_TAR_BYTES, readTar, type TarFile, writeTar } from "../../src/policy/tar.ts";

const FILES: readonly TarFile[] = [
  { path: "a.writ", bytes: utf8("writ 1\n") },
  { path: "empty.txt", bytes: new Uint8Array(0) },
  { path: "full.txt", bytes: utf8("x".repeat(512)) },
  { path: "refs/demo.writ", bytes: utf8("writ 1\nmodule refs version 1.0.0\n") },
];

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

/** A copy of the archive with one change and, where asked, a checksum that fits the changed header. */
function altered(change: (bytes: Uint8Array) => void, fixHeaderAt?: number): Uint8Array {
  const bytes = writeTar(FILES);
  change(bytes);
  if (fixHeaderAt !== undefined) fixChecksum(bytes, fixHeaderAt);
  return bytes;
}

function fixChecksum(bytes: Uint8Array, at: number): void {
  bytes.fill(0x20, at + 148, at + 156);
  const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  bytes.set(utf8(`${sum.toString(8).padStart(6, "0")}\0 `), at + 148);
}

describe("the canonical archive", () => {
  it("has the very bytes that GNU tar writes for these files", () => {
    // GNU tar 1.35: tar --format=ustar --sort=name --mode=0644 --mtime=@0 --owner=0 --group=0 --numeric-owner -b1
    const digest = createHash("sha256").update(writeTar(FILES.toReversed())).digest("hex");
    expect(digest).toBe("8052014043ccddb02bae649ea73e662252ae7178f2d91b3e968e42eb383f1774");
  });

  it("gives back what was put in, in order of path", () => {
    expect(readTar(writeTar(FILES.toReversed()))).toEqual(FILES);
  });

  const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+@-]{0,12}$/);
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const files = fc.uniqueArray(fc.record({ path, bytes: fc.uint8Array({ maxLength: 1100 }) }), {
    selector: (file) => file.path,
    maxLength: 8,
  });
  test.prop([files])("reads what it wrote, whatever the files", (some) => {
    const read = readTar(writeTar(some));
    expect(new Map(read.map((file) => [file.path, file.bytes]))).toEqual(
      new Map(some.map((file) => [file.path, file.bytes])),
    );
  });
});

describe("an archive that is not canonical is refused", () => {
  const second = 1024;
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["no bytes at all", new Uint8Array(0)],
    ["half a block", writeTar(FILES).slice(0, 700)],
    ["one end block only", writeTar(FILES).slice(0, -512)],
    ["a third end block", Uint8Array.from([...writeTar(FILES), ...new Uint8Array(512)])],
    ["bytes after the end", altered((bytes) => bytes.fill(1, bytes.length - 1))],
    ["padding that is not zero", altered((bytes) => bytes.fill(1, 1000, 1001))],
    ["a wrong checksum", altered((bytes) => bytes.fill(0x31, 148, 149))],
    ["another mode", altered((bytes) => bytes.set(utf8("0000755"), 100), 0)],
    ["an owner", altered((bytes) => bytes.set(utf8("0000001"), 108), 0)],
    ["an owner's name", altered((bytes) => bytes.set(utf8("root"), 265), 0)],
    ["a time", altered((bytes) => bytes.set(utf8("00000000001"), 136), 0)],
    ["a link", altered((bytes) => bytes.set(utf8("2"), 156), 0)],
    ["a directory", altered((bytes) => bytes.set(utf8("5"), 156), 0)],
    ["a pax header", altered((bytes) => bytes.set(utf8("x"), 156), 0)],
    ["a prefix of the name", altered((bytes) => bytes.set(utf8("up"), 345), 0)],
    ["GNU magic", altered((bytes) => bytes.set(utf8("ustar  \0"), 257), 0)],
    ["a size past the end", altered((bytes) => bytes.set(utf8("77777777777"), 124), 0)],
    ["a size that is no number", altered((bytes) => bytes.set(utf8("-0000000001"), 124), 0)],
    ["a base-256 size", altered((bytes) => bytes.fill(0x80, 124, 125), 0)],
    ["a path above", altered((bytes) => bytes.set(utf8("../a.w"), 0), 0)],
    ["an absolute path", altered((bytes) => bytes.set(utf8("/a.wri"), 0), 0)],
    ["a hidden file", altered((bytes) => bytes.set(utf8(".a"), 0), 0)],
    ["a backslash", altered((bytes) => bytes.set(utf8("a\\"), 0), 0)],
    ["a byte above ASCII", altered((bytes) => bytes.fill(0xe9, 0, 1), 0)],
    ["bytes after the name's end", altered((bytes) => bytes.set(utf8("x"), 50), 0)],
    ["the same name twice", altered((bytes) => bytes.set(utf8("a.writ\0\0\0"), second), second)],
    ["a name that sorts before its predecessor", altered((bytes) => bytes.set(utf8("Zz"), second), second)],
  ];
  for (const [deviation, bytes] of rows) {
    it(deviation, () => {
      expect(codeOf(() => readTar(bytes))).toBe("policy/malformed");
    });
  }

  it("an archive larger than the cap, before it is read", () => {
    expect(codeOf(() => readTar(new Uint8Array(MAX_TAR_BYTES + 512)))).toBe("policy/malformed");
    expect(codeOf(() => writeTar([{ path: "a", bytes: new Uint8Array(MAX_TAR_BYTES) }]))).toBe(
      "policy/malformed",
    );
  });

  it("more files than a bundle may have", () => {
    const many = Array.from({ length: 1025 }, (_, i) => ({ path: `f${i}`, bytes: new Uint8Array(0) }));
    expect(codeOf(() => writeTar(many))).toBe("policy/malformed");
  });

  it("any one byte changed, unless the change is in a file's content", () => {
    const good = writeTar(FILES);
    const contents = FILES.reduce((sum, file) => sum + file.bytes.length, 0);
    let readable = 0;
    for (let at = 0; at < good.length; at += 1) {
      const bad = good.slice();
      bad[at] = (bad[at] ?? 0) ^ 0x01;
      const code = codeOf(() => readTar(bad));
      if (code === undefined) readable += 1;
      else expect(code).toBe("policy/malformed");
    }
    expect(readable).toBe(contents);
  });

  test.prop([fc.uint8Array({ maxLength: 2048 })])("any bytes whatever give a fault", (bytes) => {
    expect(codeOf(() => readTar(bytes))).toBe("policy/malformed");
  });

  test.prop([fc.array(fc.tuple(fc.nat(4607), fc.nat(255)), { minLength: 1, maxLength: 6 })])(
    "any few bytes changed give a fault or files that pack to the same bytes",
    (changes) => {
      const bytes = altered((copy) => {
        for (const [at, value] of changes) copy[at] = value;
      });
      const code = codeOf(() => expect(writeTar(readTar(bytes))).toEqual(bytes));
      expect([undefined, "policy/malformed"]).toContain(code);
    },
  );
});
