import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, describe, expect, it } from "vitest";
import { claimedSize } from "../../../src/agent/luks/binary-header.ts";
import { headerBytes, type LuksHeader, parseHeaders } from "../../../src/agent/luks/header.ts";
import { parseUtf8, utf8 } from "../../../src/base/bytes.ts";
import { isFault } from "../../../src/base/fault.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOf } from "../../support/faults.ts";
import { bytesAt, folderIn, itWithCryptsetup, realDisk } from "./real-disk.ts";

const folder = folderIn();
afterAll(folder.remove);

const KEY = Uint8Array.from(randomBytes(32));
const SIZE = 16_384;
const QUICK = ["--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"];
const ARGON = [
  "--pbkdf",
  "argon2id",
  "--pbkdf-force-iterations",
  "4",
  "--pbkdf-memory",
  "64",
  "--pbkdf-parallel",
  "1",
];

function bothOf(words: readonly string[] = QUICK, size = SIZE): Uint8Array {
  return bytesAt(realDisk(join(folder.path, "disk"), KEY, words), 0, 2 * size);
}

function parse(both: Uint8Array, size = SIZE): LuksHeader {
  return parseHeaders(both, size, nodePrimitives);
}

describe("a header by cryptsetup itself", () => {
  const rows: readonly (readonly [string, readonly string[], number])[] = [
    ["as it is made for a machine's key", QUICK, SIZE],
    [
      "with a memory-hard key slot, of SHA-512 and sectors of 512 bytes",
      [...ARGON, "--hash", "sha512", "--sector-size", "512"],
      SIZE,
    ],
    [
      "with a label, a subsystem and a UUID of its own",
      [...QUICK, "--label", "data 1", "--subsystem", "db", "--uuid", "6c1f7fd6-6b23-4b4e-9ea1-2f6e9e8e1c11"],
      SIZE,
    ],
    [
      "with more room for metadata and less for key slots",
      [...QUICK, "--luks2-metadata-size", "64k", "--luks2-keyslots-size", "1m"],
      65_536,
    ],
    ["with data further behind", [...QUICK, "--offset", "40960"], SIZE],
  ];
  for (const [name, words, size] of rows) {
    itWithCryptsetup(`is read ${name}, and written byte for byte where nothing was rearranged`, () => {
      const both = bothOf(words, size);
      expect(claimedSize(both)).toBe(size);
      const header = parse(both, size);
      const again = new Uint8Array([
        ...headerBytes(header, "primary", nodePrimitives),
        ...headerBytes(header, "secondary", nodePrimitives),
      ]);
      expect(parse(again, size)).toEqual(header);
      expect(again.slice(0, 104)).toEqual(both.slice(0, 104));
    });
  }

  itWithCryptsetup("keeps its salt, and its checksum is cryptsetup's own where the text is", () => {
    const both = bothOf();
    const { metadata, ...binary } = parse(both);
    const text = parseUtf8(both.slice(4096, both.indexOf(0, 4096))) ?? "";
    expect(JSON.parse(text)).toEqual(metadata);
    expect(binary.salt).toEqual(both.slice(104, 168));
    expect(binary.uuid).toBe(parseUtf8(both.slice(168, 204)));
  });
});

/** A good header that no program has to be called for: what cryptsetup 2.6.1 wrote, with other random numbers. */
const GOOD = {
  keyslots: {
    "0": {
      type: "luks2",
      key_size: 64,
      af: { type: "luks1", stripes: 4000, hash: "sha256" },
      area: { type: "raw", offset: "32768", size: "258048", encryption: "aes-xts-plain64", key_size: 64 },
      kdf: { type: "pbkdf2", hash: "sha256", iterations: 1000, salt: Buffer.alloc(32, 1).toString("base64") },
    },
  },
  tokens: {},
  segments: {
    "0": {
      type: "crypt",
      offset: "16777216",
      size: "dynamic",
      iv_tweak: "0",
      encryption: "aes-xts-plain64",
      sector_size: 4096,
    },
  },
  digests: {
    "0": {
      type: "pbkdf2",
      keyslots: ["0"],
      segments: ["0"],
      hash: "sha256",
      iterations: 1000,
      salt: Buffer.alloc(32, 2).toString("base64"),
      digest: Buffer.alloc(32, 3).toString("base64"),
    },
  },
  config: { json_size: "12288", keyslots_size: "16744448" },
};

/** One copy of the header with this text, its checksum right. */
function areaOf(text: string, kind: "primary" | "secondary", seqid = 3n): Uint8Array {
  const area = new Uint8Array(SIZE);
  const view = new DataView(area.buffer);
  area.set(kind === "primary" ? utf8("LUKS") : utf8("SKUL"));
  area.set([0xba, 0xbe, 0, 2], 4);
  view.setBigUint64(8, BigInt(SIZE));
  view.setBigUint64(16, seqid);
  area.set(utf8("sha256"), 72);
  area.fill(7, 104, 168);
  area.set(utf8("6c1f7fd6-6b23-4b4e-9ea1-2f6e9e8e1c11"), 168);
  view.setBigUint64(256, kind === "primary" ? 0n : BigInt(SIZE));
  area.set(utf8(text), 4096);
  return summed(area);
}

function summed(area: Uint8Array): Uint8Array {
  area.fill(0, 448, 512);
  area.set(nodePrimitives.digest("sha256", area), 448);
  return area;
}

function bothWith(text: string): Uint8Array {
  return new Uint8Array([...areaOf(text, "primary"), ...areaOf(text, "secondary")]);
}

/** The good metadata with one member changed, by its path; `undefined` takes it out. */
function changed(path: string, value: unknown): string {
  const copy: Record<string, unknown> = structuredClone(GOOD);
  const names = path.split(".");
  const last = names.pop() ?? "";
  let at: Record<string, unknown> = copy;
  for (const name of names) at = at[name] as Record<string, unknown>;
  at[last] = value;
  return JSON.stringify(copy);
}

const second = { ...GOOD.keyslots["0"], area: { ...GOOD.keyslots["0"].area, offset: "290816" } };
const marker = {
  type: "x-ostiary",
  keyslots: ["0"],
  marker: 1,
  secret: "a/b",
  version: 1,
  epoch: 0,
  state: "ready",
  mac: "A".repeat(43),
};

describe("metadata with one member changed", () => {
  it("is read as it stands in the table below", () => {
    expect(parse(bothWith(JSON.stringify(GOOD))).metadata).toEqual(GOOD);
    expect(parse(bothWith(changed("tokens", { "0": marker }))).metadata.tokens).toEqual({ "0": marker });
  });

  const rows: readonly (readonly [string, string, unknown])[] = [
    ["a null cipher in the segment", "segments.0.encryption", "cipher_null-ecb"],
    ["a null cipher in the key slot", "keyslots.0.area.encryption", "cipher_null-ecb"],
    ["an unknown cipher in the segment", "segments.0.encryption", "aes-cbc-essiv:sha256"],
    ["a weaker cipher", "segments.0.encryption", "aes-xts-plain"],
    ["the kernel's own way to name a cipher", "segments.0.encryption", "capi:xts(aes)-plain64"],
    ["an unknown member at the top", "extra", {}],
    ["an unknown member of the key slot", "keyslots.0.priority", 2],
    ["an unknown member of the area", "keyslots.0.area.extra", 1],
    ["an unknown member of the segment", "segments.0.flags", ["backup-final"]],
    ["an unknown member of the digest", "digests.0.extra", 1],
    ["flags of the volume", "config.flags", ["allow-discards"]],
    ["a requirement: reencryption", "config.requirements", { mandatory: ["online-reencrypt"] }],
    ["no key slot", "keyslots", {}],
    ["a second key slot without a marker", "keyslots.1", second],
    ["a key slot of reencryption", "keyslots.0.type", "reencrypt"],
    ["a key slot of 33", "keyslots", { "32": GOOD.keyslots["0"] }],
    ["a short volume key", "keyslots.0.key_size", 32],
    ["a volume key with room for an HMAC that no sector has", "keyslots.0.key_size", 96],
    ["other stripes", "keyslots.0.af.stripes", 1],
    ["another hash of the stripes", "keyslots.0.af.hash", "sha1"],
    ["another kind of area", "keyslots.0.area.type", "datashift"],
    ["a short key of the area", "keyslots.0.area.key_size", 32],
    ["an area over the headers", "keyslots.0.area.offset", "28672"],
    ["an area over the data", "keyslots.0.area.offset", "16777216"],
    ["an area off the pages", "keyslots.0.area.offset", "32769"],
    ["an area that ends too late", "keyslots.0.area.size", "262144"],
    ["an area that ends too early", "keyslots.0.area.size", "4096"],
    ["a negative offset", "keyslots.0.area.offset", "-1"],
    ["an offset that is a number", "keyslots.0.area.offset", 32_768],
    ["an offset with a zero before it", "keyslots.0.area.offset", "032768"],
    ["another kind of derivation", "keyslots.0.kdf.type", "argon2i"],
    ["so few iterations that any key is guessed", "keyslots.0.kdf.iterations", 1],
    ["iterations for a day", "keyslots.0.kdf.iterations", 2_000_000_000],
    ["a short salt", "keyslots.0.kdf.salt", "AAAA"],
    [
      "memory that the guest has not",
      "keyslots.0.kdf",
      { type: "argon2id", time: 4, memory: 4_194_304, cpus: 1, salt: GOOD.keyslots["0"].kdf.salt },
    ],
    [
      "time without end",
      "keyslots.0.kdf",
      { type: "argon2id", time: 4_000_000, memory: 64, cpus: 1, salt: GOOD.keyslots["0"].kdf.salt },
    ],
    ["no segment", "segments", {}],
    ["a second segment", "segments.1", GOOD.segments["0"]],
    ["a linear segment: plaintext", "segments.0.type", "linear"],
    ["a segment over the key slots", "segments.0.offset", "32768"],
    ["a segment of fixed size", "segments.0.size", "1048576"],
    ["other initialisation vectors", "segments.0.iv_tweak", "8"],
    ["sectors of another size", "segments.0.sector_size", 1024],
    [
      "an integrity that is none",
      "segments.0.integrity",
      { type: "none", journal_encryption: "none", journal_integrity: "none" },
    ],
    [
      "an integrity for which the key has no room",
      "segments.0.integrity",
      { type: "hmac(sha256)", journal_encryption: "none", journal_integrity: "none" },
    ],
    ["no digest", "digests", {}],
    ["a second digest", "digests.1", GOOD.digests["0"]],
    ["a digest of another kind", "digests.0.type", "plain"],
    ["a digest of no key slot", "digests.0.keyslots", []],
    ["a digest of another key slot", "digests.0.keyslots", ["1"]],
    ["a digest of another segment", "digests.0.segments", ["1"]],
    ["a digest of the wrong size", "digests.0.digest", Buffer.alloc(64).toString("base64")],
    ["another size of the JSON area", "config.json_size", "16384"],
    ["key slots without end", "config.keyslots_size", "1099511627776"],
    ["a token of somebody else", "tokens.0", { type: "clevis", keyslots: ["0"] }],
    ["a token of systemd", "tokens.0", { type: "systemd-tpm2", keyslots: [] }],
    ["a marker of another key slot", "tokens.0", { ...marker, keyslots: ["1"] }],
    ["a marker of no key slot", "tokens.0", { ...marker, keyslots: [] }],
    ["a marker with an unknown member", "tokens.0", { ...marker, note: "" }],
    ["a marker of another kind", "tokens.0", { ...marker, marker: 2 }],
    ["two markers of one key slot", "tokens", { "0": marker, "1": { ...marker, version: 2 } }],
  ];
  it.each(rows)("is refused: %s", (_, path, value) => {
    expect(codeOf(() => parse(bothWith(changed(path, value))))).toBe("disk/bad-header");
  });

  it("is refused where two members have one name, or something stands behind the text", () => {
    const text = JSON.stringify(GOOD);
    const twice = text.replace('"type":"crypt"', '"type":"crypt","type":"crypt"');
    const proto = text.replace('"segments":{', '"segments":{"__proto__":1,');
    for (const other of [
      twice,
      proto,
      `${text}{}`,
      `${text} x`,
      `${text}\0{}`,
      `\0${text}`,
      "",
      "[]",
      "null",
    ]) {
      expect([other.length, codeOf(() => parse(bothWith(other)))]).toEqual([other.length, "disk/bad-header"]);
    }
  });

  it("has two key slots only while each has a marker of a version of its own", () => {
    const two = (markers: unknown): string => {
      const digest = { ...GOOD.digests["0"], keyslots: ["0", "1"] };
      return JSON.stringify({
        ...GOOD,
        keyslots: { "0": GOOD.keyslots["0"], "1": second },
        digests: { "0": digest },
        tokens: markers,
      });
    };
    const other = { ...marker, keyslots: ["1"], version: 2 };
    expect(Object.keys(parse(bothWith(two({ "0": marker, "1": other }))).metadata.keyslots)).toEqual([
      "0",
      "1",
    ]);
    const bad = [
      { "0": marker },
      { "0": marker, "1": { ...other, version: 1 } },
      { "0": marker, "1": { ...other, secret: "c" } },
    ];
    for (const markers of [...bad, { "0": marker, "1": { ...other, epoch: 1 } }, {}]) {
      expect(codeOf(() => parse(bothWith(two(markers))))).toBe("disk/bad-header");
    }
  });
});

describe("the binary header", () => {
  const good = JSON.stringify(GOOD);
  const rows: readonly (readonly [string, number, readonly number[]])[] = [
    ["another magic", 0, [0x4d]],
    ["version 1", 7, [1]],
    ["another size", 14, [0x80]],
    ["a sequence id of zero", 16, [0, 0, 0, 0, 0, 0, 0, 0]],
    ["a label of control characters", 24, [0x1b, 0x5b]],
    ["a label with something behind its end", 30, [0x41]],
    ["another checksum algorithm", 72, [0x73, 0x68, 0x61, 0x35, 0x31, 0x32]],
    ["a UUID that is none", 168, [0x2f]],
    ["a place that is another", 263, [1]],
    ["bytes where zeros have to be", 264, [1]],
    ["bytes behind the checksum", 512, [1]],
    ["bytes at the end", 4095, [1]],
  ];
  it.each(rows)("is refused with %s, its checksum right", (_, at, bytes) => {
    const both = bothWith(good);
    for (const from of [0, SIZE]) {
      const area = both.slice(from, from + SIZE);
      area.set(from === SIZE && at === 263 ? [1] : bytes, at);
      area.set(nodePrimitives.digest("sha256", zeroed(area)), 448);
      both.set(area, from);
    }
    expect(codeOf(() => parse(both))).toBe("disk/bad-header");
  });

  function zeroed(area: Uint8Array): Uint8Array {
    const copy = area.slice();
    copy.fill(0, 448, 512);
    return copy;
  }

  it("is refused with any one byte changed in both, and taken from the other where it is changed in one", () => {
    const both = bothWith(good);
    const header = parse(both);
    for (const at of toldPlaces(4096 + good.length)) {
      const [one, two] = [both.slice(), both.slice()];
      for (const place of [at, SIZE + at]) two[place] = (two[place] ?? 0) ^ 0x40;
      one[at] = (one[at] ?? 0) ^ 0x40;
      expect([at, codeOf(() => parse(two))]).toEqual([at, "disk/bad-header"]);
      if (at % 97 === 0) expect(parse(one)).toEqual(header);
    }
  });

  /** Every byte that means something, and of the zeros some; all of them in the full run. */
  function toldPlaces(end: number): readonly number[] {
    const step = process.env["FULL"] === undefined ? 61 : 1;
    const all = Array.from({ length: SIZE }, (_, at) => at);
    return all.filter((at) => at < 600 || (at >= 4090 && at < end + 8) || at % step === 0);
  }

  it("is the newer of two that hold, and none where two of one age differ", () => {
    const other = changed("tokens", { "0": marker });
    const mixed = (old: bigint, young: bigint): Uint8Array =>
      new Uint8Array([...areaOf(good, "primary", old), ...areaOf(other, "secondary", young)]);
    expect(parse(mixed(3n, 4n)).metadata.tokens).toEqual({ "0": marker });
    expect(parse(mixed(4n, 3n)).metadata.tokens).toEqual({});
    expect(codeOf(() => parse(mixed(4n, 4n)))).toBe("disk/bad-header");
  });

  it("says no size where none begins, and none that LUKS2 has not", () => {
    expect(claimedSize(new Uint8Array(4096))).toBeUndefined();
    const both = bothWith(good);
    both[10] = 1;
    expect(claimedSize(both)).toBeUndefined();
  });

  test.prop([fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.integer({ min: 0, max: 2 * SIZE - 200 })], {
    numRuns: 60,
  })("ends in a header or a fault, whatever stands there", (noise, at) => {
    const both = bothWith(good);
    both.set(noise, at);
    if (at % 2 === 0) for (const from of [0, SIZE]) both.set(summed(both.slice(from, from + SIZE)), from);
    try {
      parse(both);
    } catch (thrown) {
      expect(isFault(thrown)).toBe(true);
    }
  });
});
