/** The signed head: C2SP signed-note and tlog-checkpoint, checked against a signature that was made by hand. */
import { createHash, createPrivateKey, sign as signWith } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, utf8 } from "../../src/base/bytes.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { spkiOf } from "../../src/base/spki.ts";
import { openCheckpoint, originOf, signCheckpoint } from "../../src/ledger/checkpoint.ts";
import { openNote, parseVerifierKey, signNote, verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import {
  createEd25519Signer,
  createEs256Signer,
  generateEd25519Pem,
  generateEs256Pem,
} from "../../src/runtime/node/signers.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";

const ORIGIN = "broker.example/c/0001";
const PEM = generateEd25519Pem();
const SIGNER = createEd25519Signer("ledger-1", PEM);
const STRANGER = createEd25519Signer("ledger-2", generateEd25519Pem());
const HEAD = { origin: ORIGIN, size: 7, root: new Uint8Array(32).fill(0xab) };
const KEY = { origin: ORIGIN, spki: SIGNER.spki };
const { digest } = nodePrimitives;

describe("the origin of a log", () => {
  it("is the audience without its scheme", () => {
    expect(originOf("https://broker.example/c/0001")).toBe(ORIGIN);
    expect(originOf("https://broker.example:8443")).toBe("broker.example:8443");
  });

  it.each(["broker.example", "https://", "https://a b", "https://a+b", ""])(
    "is not to be had from `%s`",
    (audience) => {
      expect(codeOf(() => originOf(audience))).toBe("config/invalid");
    },
  );
});

describe("a checkpoint", () => {
  it("is three lines, a blank one and an em-dash line, byte for byte as C2SP writes it", async () => {
    const note = await signCheckpoint(HEAD, SIGNER, nodePrimitives);
    const text = `${ORIGIN}\n7\n${Buffer.alloc(32, 0xab).toString("base64")}\n`;
    const bare = SIGNER.spki.slice(-32);
    const id = createHash("sha256")
      .update(`${ORIGIN}\n`)
      .update(Uint8Array.of(1))
      .update(bare)
      .digest()
      .subarray(0, 4);
    const signature = signWith(null, Buffer.from(text), createPrivateKey(PEM));
    expect(note).toBe(`${text}\n\u2014 ${ORIGIN} ${Buffer.concat([id, signature]).toString("base64")}\n`);
  });

  it("opens under its key as what was signed", async () => {
    const sizes = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat());
    const roots = fc.uint8Array({ minLength: 32, maxLength: 32 });
    await fc.assert(
      fc.asyncProperty(sizes, roots, async (size, root) => {
        const note = await signCheckpoint({ origin: ORIGIN, size, root }, SIGNER, nodePrimitives);
        expect(await openCheckpoint(note, KEY, nodePrimitives)).toEqual({ origin: ORIGIN, size, root });
      }),
      { numRuns: 50 },
    );
  });

  it("is refused when any one of its bytes is another", async () => {
    const note = utf8(await signCheckpoint(HEAD, SIGNER, nodePrimitives));
    for (let at = 0; at < note.length; at += 1) {
      const changed = new TextDecoder().decode(note.map((byte, i) => (i === at ? byte ^ 1 : byte)));
      expect(await codeOfPromise(openCheckpoint(changed, KEY, nodePrimitives)), `byte ${at}`).toMatch(
        /^ledger\//,
      );
    }
  });

  it("is refused under another key, another origin, or signed by another key under this name", async () => {
    const note = await signCheckpoint(HEAD, SIGNER, nodePrimitives);
    const foreign = await signCheckpoint(HEAD, STRANGER, nodePrimitives);
    const elsewhere = await signCheckpoint({ ...HEAD, origin: "other.example" }, SIGNER, nodePrimitives);
    const refusals = [
      openCheckpoint(note, { ...KEY, spki: STRANGER.spki }, nodePrimitives),
      openCheckpoint(note, { ...KEY, origin: "other.example" }, nodePrimitives),
      openCheckpoint(foreign, KEY, nodePrimitives),
      openCheckpoint(elsewhere, KEY, nodePrimitives),
    ];
    for (const refusal of refusals) expect(await codeOfPromise(refusal)).toBe("ledger/inconsistent");
  });

  it("is refused when its key signed the head of another log under this name", async () => {
    const text = `other.example\n7\n${Buffer.alloc(32, 0xab).toString("base64")}\n`;
    const note = await signNote(text, ORIGIN, { signer: SIGNER, digest });
    expect(await codeOfPromise(openCheckpoint(note, KEY, nodePrimitives))).toBe("ledger/inconsistent");
  });

  const root = Buffer.alloc(32, 0xab).toString("base64");
  it.each([
    { name: "a size with a leading zero", text: `${ORIGIN}\n07\n${root}\n` },
    { name: "a negative size", text: `${ORIGIN}\n-7\n${root}\n` },
    { name: "a size beyond 2^53", text: `${ORIGIN}\n9007199254740993\n${root}\n` },
    { name: "no size", text: `${ORIGIN}\n\n${root}\n` },
    { name: "a short root", text: `${ORIGIN}\n7\n${Buffer.alloc(31).toString("base64")}\n` },
    { name: "a root in base64url", text: `${ORIGIN}\n7\n${Buffer.alloc(32, 0xff).toString("base64url")}=\n` },
    { name: "a root whose unused bits are set", text: `${ORIGIN}\n7\n${"A".repeat(42)}B=\n` },
    { name: "an extension line", text: `${ORIGIN}\n7\n${root}\nmore\n` },
    { name: "two lines", text: `${ORIGIN}\n7\n` },
  ])("is refused with $name, though its key signed it", async ({ text }) => {
    const note = await signNote(text, ORIGIN, { signer: SIGNER, digest });
    expect(await codeOfPromise(openCheckpoint(note, KEY, nodePrimitives))).toBe("ledger/malformed");
  });

  it.each([
    { name: "a size that no tree has", head: { ...HEAD, size: -1 } },
    { name: "half a size", head: { ...HEAD, size: 0.5 } },
    { name: "a short root", head: { ...HEAD, root: new Uint8Array(31) } },
    { name: "an origin with a plus", head: { ...HEAD, origin: "a+b" } },
    { name: "an origin with a line break", head: { ...HEAD, origin: "a\nb" } },
  ])("is not signed with $name", async ({ head }) => {
    expect(await codeOfPromise(signCheckpoint(head, SIGNER, nodePrimitives))).toBe("internal/invariant");
  });

  it("is not signed by a key of another kind", async () => {
    const es256 = createEs256Signer("release-1", generateEs256Pem());
    expect(await codeOfPromise(signCheckpoint(HEAD, es256, nodePrimitives))).toBe("internal/invariant");
  });
});

describe("a note", () => {
  const key = { name: ORIGIN, spki: SIGNER.spki };

  it("may carry signatures of others", async () => {
    const mine = await signNote("hello\n", ORIGIN, { signer: SIGNER, digest });
    const theirs = await signatureLine("hello\n", "witness.example", STRANGER);
    expect(await openNote(`${mine}${theirs}`, key, nodePrimitives)).toBe("hello\n");
    const first = mine.replace("\n\u2014", `\n${theirs}\u2014`);
    expect(await openNote(first, key, nodePrimitives)).toBe("hello\n");
  });

  it("may hold blank lines in its text", async () => {
    const text = "one\n\ntwo\n";
    const note = await signNote(text, ORIGIN, { signer: SIGNER, digest });
    expect(await openNote(note, key, nodePrimitives)).toBe(text);
  });

  const good = "hello\n";
  const line = `\u2014 ${ORIGIN} `;
  it.each([
    {
      name: "a signature of the key twice",
      change: (note: string, mine: string) => `${note}${mine}`,
      code: "ledger/malformed",
    },
    {
      name: "a malformed line after a good one",
      change: (note: string) => `${note}junk\n`,
      code: "ledger/malformed",
    },
    {
      name: "a line without a dash",
      change: (note: string) => note.replace("\u2014 ", ""),
      code: "ledger/malformed",
    },
    {
      name: "a line with a hyphen",
      change: (note: string) => note.replace("\u2014", "-"),
      code: "ledger/malformed",
    },
    {
      name: "a line with two spaces",
      change: (note: string) => note.replace("\u2014 ", "\u2014  "),
      code: "ledger/malformed",
    },
    { name: "a blank line at the end", change: (note: string) => `${note}\n`, code: "ledger/malformed" },
    { name: "no line end", change: (note: string) => note.slice(0, -1), code: "ledger/malformed" },
    {
      name: "carriage returns",
      change: (note: string) => note.replaceAll("\n", "\r\n"),
      code: "ledger/malformed",
    },
    { name: "no blank line", change: (note: string) => note.replace("\n\n", "\n"), code: "ledger/malformed" },
    { name: "no signature", change: () => "hello\n\n", code: "ledger/malformed" },
    { name: "no text", change: (_: string, mine: string) => `\n${mine}`, code: "ledger/malformed" },
    {
      name: "only the key id of a signature",
      change: () => `${good}\n${line}AAAAAA==\n`,
      code: "ledger/malformed",
    },
    {
      name: "a signature that is not base64",
      change: () => `${good}\n${line}!!!!\n`,
      code: "ledger/malformed",
    },
    {
      name: "a lone surrogate",
      change: (note: string) => note.replace("hello", "\ud800"),
      code: "ledger/malformed",
    },
    {
      name: "a control character",
      change: (note: string) => note.replace("hello", "he\u0007"),
      code: "ledger/malformed",
    },
    {
      name: "70 000 characters",
      change: (note: string) => note.replace("hello", "a".repeat(70_000)),
      code: "ledger/malformed",
    },
    {
      name: "101 signatures",
      change: (note: string) => `${note}${"\u2014 w AAAAAAAA\n".repeat(100)}`,
      code: "ledger/malformed",
    },
    {
      name: "only another's signature",
      change: () => `${good}\n\u2014 w AAAAAAAA\n`,
      code: "ledger/inconsistent",
    },
    {
      name: "another text",
      change: (note: string) => note.replace("hello", "hallo"),
      code: "ledger/inconsistent",
    },
    {
      name: "a shortened signature",
      change: (note: string) => note.replace(/....\n$/, "\n"),
      code: "ledger/",
    },
  ])("is refused with $name", async ({ change, code }) => {
    const note = await signNote(good, ORIGIN, { signer: SIGNER, digest });
    const mine = await signatureLine(good, ORIGIN, SIGNER);
    expect(await codeOfPromise(openNote(change(note, mine), key, nodePrimitives))).toContain(code);
  });

  it("is refused with a Fault whatever text it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (text) => {
        expect(await codeOfPromise(openNote(text, key, nodePrimitives))).toMatch(/^ledger\//);
      }),
    );
  });
});

describe("a verifier key", () => {
  // The key of the example in C2SP signed-note would be a stranger's; this one is RFC 8032 section 7.1, test 1.
  const bare = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
  const spki = spkiOf("ed25519", Uint8Array.from(bare));

  it("is name, hash and key, and reads back", () => {
    const text = verifierKeyOf({ name: ORIGIN, spki }, digest);
    const hash = createHash("sha256")
      .update(concatBytes(utf8(`${ORIGIN}\n`), Uint8Array.of(1), bare))
      .digest("hex");
    expect(text).toBe(
      `${ORIGIN}+${hash.slice(0, 8)}+${Buffer.concat([Buffer.of(1), bare]).toString("base64")}`,
    );
    expect(parseVerifierKey(text, digest)).toEqual({ name: ORIGIN, spki });
  });

  const good = verifierKeyOf({ name: ORIGIN, spki }, digest);
  it.each([
    { name: "another name", text: good.replace("0001", "0002") },
    { name: "another hash", text: good.replace(/\+[0-9a-f]{8}\+/, "+00000000+") },
    { name: "another key", text: good.replace(/.{4}$/, "AAAA") },
    {
      name: "another algorithm",
      text: [...good.split("+", 2), Buffer.concat([Buffer.of(2), bare]).toString("base64")].join("+"),
    },
    { name: "no name", text: good.replace(ORIGIN, "") },
    { name: "a space", text: ` ${good}` },
    { name: "a line after it", text: `${good}\n` },
    { name: "two parts", text: "a+b" },
    { name: "nothing", text: "" },
  ])("is refused with $name", ({ text }) => {
    expect(codeOf(() => parseVerifierKey(text, digest))).toBe("ledger/malformed");
  });
});

/** The signature line alone. */
async function signatureLine(text: string, name: string, signer: Signer): Promise<string> {
  return (await signNote(text, name, { signer, digest })).slice(text.length + 1);
}
