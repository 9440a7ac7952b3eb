/** Does a proof in a file show its one entry, and nothing else? */
import { describe, expect, it } from "vitest";
import { base64Of } from "../../src/base/bytes.ts";
import { Fault } from "../../src/base/fault.ts";
import { encodeEntry } from "../../src/ledger/entry.ts";
import { leafHash, rootOf } from "../../src/ledger/merkle.ts";
import { parseVerifierKey } from "../../src/ledger/note.ts";
import { encodeProofFile, verifyProofFile } from "../../src/ledger/proof-file.ts";
import { inclusionRanges } from "../../src/ledger/ranges.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../support/faults.ts";
import { rootOfInclusion } from "../support/rfc9162.ts";
import { logOf } from "./entries.ts";
import { exportOf, VERIFIER_KEY } from "./exports.ts";

const { digest } = nodePrimitives;
const KEY = parseVerifierKey(VERIFIER_KEY, digest);
const LEAVES = logOf(7).map(encodeEntry);

describe("a proof of one entry in a file", () => {
  it("has the form of C2SP tlog-proof, with the leaf as its extra data", async () => {
    const lines = (await proofOf(4)).split("\n");
    expect(lines.slice(0, 3)).toEqual(["c2sp.org/tlog-proof@v1", `extra ${base64Of(leafAt(4))}`, "index 4"]);
    const end = lines.indexOf("");
    const proof = lines.slice(3, end).map((line) => Buffer.from(line, "base64"));
    const root = Buffer.from(lines[end + 3] ?? "", "base64");
    expect(lines[end + 2]).toBe("7");
    expect(rootOfInclusion(leafAt(4), 4, 7, proof)).toEqual(root);
  });

  it("shows every entry of a log by the log's key alone", async () => {
    for (const seq of LEAVES.keys()) {
      const { entry, checkpoint } = await verifyProofFile(await proofOf(seq), KEY, nodePrimitives);
      expect([entry.seq, checkpoint.size]).toEqual([seq, 7]);
    }
  });

  it("shows nothing once any character of it is another", async () => {
    const text = await proofOf(2);
    const signature = text.lastIndexOf(" ") + 1;
    for (let i = 0; i < text.length; i += 1) {
      const changed = `${text.slice(0, i)}${text[i] === "A" ? "B" : "A"}${text.slice(i + 1)}`;
      const verified = await verifyProofFile(changed, KEY, nodePrimitives).catch((thrown: unknown) => thrown);
      expect(verified, `${i} of ${text.length}, signature from ${signature}`).toBeInstanceOf(Fault);
    }
  });

  it("is refused cut off, repeated, longer, or with another entry's parts", async () => {
    const [two, three] = [await proofOf(2), await proofOf(3)];
    for (let i = 0; i < two.length - 1; i += 7) {
      expect(await codeOfPromise(verifyProofFile(two.slice(0, i), KEY, nodePrimitives))).toMatch(/^ledger\//);
    }
    const hashOf = (text: string) => text.split("\n")[3] ?? "";
    for (const text of [
      `${two}${two}`,
      two.replace("index 2", "index 3"),
      two.replace("index 2", "index 02"),
      two.replace(`${hashOf(two)}\n`, ""),
      two.replace(hashOf(two), `${hashOf(two)}\n${hashOf(two)}`),
      two.replace(hashOf(two), hashOf(three)),
      two.replace("extra ", "extra  "),
      two.replace("@v1", "@v2"),
      `${"x".repeat(300_000)}`,
      "",
    ]) {
      expect(await codeOfPromise(verifyProofFile(text, KEY, nodePrimitives))).toMatch(/^ledger\//);
    }
  });
});

function leafAt(seq: number): Uint8Array {
  return LEAVES[seq] ?? new Uint8Array(0);
}

async function proofOf(seq: number): Promise<string> {
  const hashes = LEAVES.map((leaf) => leafHash(leaf, digest));
  const proof = inclusionRanges(seq, LEAVES.length).map(({ start, end }) =>
    rootOf(hashes.slice(start, end), digest),
  );
  const [head = ""] = await exportOf(logOf(7));
  const { checkpoint } = JSON.parse(head);
  return encodeProofFile({ seq, leaf: leafAt(seq), proof, checkpoint });
}
