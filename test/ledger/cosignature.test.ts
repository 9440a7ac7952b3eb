/** Is a cosignature that of C2SP tlog-cosignature, made and read, and nothing else taken for one? */
import { createPublicKey, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { instant } from "../../src/base/time.ts";
import { cosign, openCosignature } from "../../src/ledger/cosignature.ts";
import { parseVerifierKey, signNote, verifierKeyOf } from "../../src/ledger/note.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { codeOfPromise } from "../support/faults.ts";

const { digest } = nodePrimitives;
/** The key of a public witness, as its operator published it. */
const REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
const TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const LOG = createEd25519Signer("log", generateEd25519Pem());
const WITNESS = createEd25519Signer("witness", generateEd25519Pem());
const NAME = "witness.example/w1";
const KEY = { name: NAME, spki: WITNESS.spki };
const AT = instant(1_679_315_147);
const BY = { name: NAME, signer: WITNESS, digest };

describe("the key of a witness", () => {
  it("is read and written as a real one is published", () => {
    const key = parseVerifierKey(REMORA, digest, "cosignature");
    expect(key.name).toBe("remora.n621.de");
    expect(verifierKeyOf(key, digest, "cosignature")).toBe(REMORA);
  });

  it("is not taken for the key of a log, nor that for it", () => {
    expect(() => parseVerifierKey(REMORA, digest)).toThrow(Fault);
    const ofLog = verifierKeyOf({ name: "log.example", spki: LOG.spki }, digest);
    expect(() => parseVerifierKey(ofLog, digest, "cosignature")).toThrow(Fault);
  });
});

describe("a cosignature", () => {
  it("signs the header, the time and the whole text, as the specification writes them", async () => {
    const line = await cosign(TEXT, BY, AT);
    const [, dash, name, base64] = /^(\S+) (\S+) (\S+)\n$/.exec(line) ?? [];
    expect([dash, name]).toEqual(["\u2014", NAME]);
    const bytes = Buffer.from(base64 ?? "", "base64");
    expect([bytes.length, bytes.readBigUInt64BE(4)]).toEqual([4 + 8 + 64, 1_679_315_147n]);
    const message = Buffer.from(`cosignature/v1\ntime 1679315147\n${TEXT}`);
    const key = createPublicKey({ key: Buffer.from(WITNESS.spki), format: "der", type: "spki" });
    expect(verify(null, message, key, bytes.subarray(12))).toBe(true);
  });

  it("is found among the lines of others, with the time that it was made", async () => {
    const note =
      (await signNote(TEXT, "example.com/behind-the-sofa", { signer: LOG, digest })) +
      (await cosign(TEXT, BY, AT));
    expect(await openCosignature(note, KEY, nodePrimitives)).toBe(AT);
  });

  it("is refused with any bit of it changed, on another text, by another witness, or twice", async () => {
    const signed = await signNote(TEXT, "example.com/behind-the-sofa", { signer: LOG, digest });
    const line = await cosign(TEXT, BY, AT);
    const base64 = line.split(" ")[2]?.trim() ?? "";
    const bytes = Buffer.from(base64, "base64");
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))).toString("base64");
      expect(
        await codeOfPromise(openCosignature(signed + line.replace(base64, changed), KEY, nodePrimitives)),
      ).toBe("ledger/inconsistent");
    }
    const other = TEXT.replace("20852163", "20852164");
    const notes = [
      signed,
      signed + (await cosign(other, BY, AT)),
      signed + (await cosign(TEXT, { ...BY, signer: LOG }, AT)),
      signed + (await cosign(TEXT, { ...BY, name: "witness.example/w2" }, AT)),
      signed + line + line,
      signed + line.replace(base64, bytes.subarray(0, 40).toString("base64")),
      await signNote(TEXT, NAME, { signer: WITNESS, digest }), // a signature of the same key for another use
    ];
    for (const note of notes) {
      expect(await codeOfPromise(openCosignature(note, KEY, nodePrimitives))).toMatch(/^ledger\//);
    }
  });
});
