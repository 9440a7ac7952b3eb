/** Does a witness answer each request as C2SP tlog-witness says, in the order in which it looks? */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/base/bytes.ts";
import {
  encodeAddCheckpoint,
  judgeAddCheckpoint,
  parseAddCheckpoint,
  type WitnessedHead,
} from "../../src/ledger/add-checkpoint.ts";
import { signCheckpoint } from "../../src/ledger/checkpoint.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { ReferenceTree } from "../support/rfc9162.ts";

const ORIGIN = "log.example/1";
const SIGNER = createEd25519Signer("log", generateEd25519Pem());
const STRANGER = createEd25519Signer("stranger", generateEd25519Pem());
const LOGS = [{ name: ORIGIN, spki: SIGNER.spki }];
const leaves = (word: string) => Array.from({ length: 20 }, (_, i) => utf8(`${word} ${i}`));
const TREE = new ReferenceTree(leaves("leaf"));
const FORK = new ReferenceTree([...leaves("leaf").slice(0, 5), ...leaves("fork").slice(5)]);

/** The body of the specification's own example. */
const EXAMPLE = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;

describe("a request to a witness", () => {
  it("is read as the specification's example, and written the same", () => {
    const request = parseAddCheckpoint(EXAMPLE);
    expect([request.oldSize, request.proof.length, request.proof[0]?.length]).toEqual([20_852_014, 4, 32]);
    expect(request.note.startsWith("example.com/behind-the-sofa\n20852163\n")).toBe(true);
    expect(encodeAddCheckpoint(request)).toBe(EXAMPLE);
  });

  let good: string;
  beforeAll(async () => {
    good = await requestOf(5, 12);
  });

  it("is answered 200 where it continues what was seen, or repeats it, or is the first", async () => {
    expect(await judged(good, seen(5))).toMatchObject({ status: 200, checkpoint: { size: 12 } });
    expect(await judged(await requestOf(12, 12), seen(12))).toMatchObject({ status: 200 });
    expect(await judged(await requestOf(0, 12), undefined)).toMatchObject({ status: 200 });
    expect(await judged(await requestOf(0, 0), undefined)).toMatchObject({ status: 200 });
    const verdict = await judged(good, seen(5));
    expect("text" in verdict && verdict.text).toBe(`${ORIGIN}\n12\n${TREE.root(0, 12).toString("base64")}\n`);
  });

  it("is answered 404 for a log that nobody named, 403 where no known key signed", async () => {
    expect(await judged(good.replace(ORIGIN, "other.example"), seen(5))).toEqual({ status: 404 });
    expect(await judged(EXAMPLE, undefined)).toEqual({ status: 404 });
    expect(await judged(await requestOf(5, 12, { signer: STRANGER }), seen(5))).toEqual({ status: 403 });
    expect(await judged(good.replace("\n12\n", "\n13\n"), seen(5))).toEqual({ status: 403 });
  });

  it("is answered 400 where the old size is beyond the new one, and for what is no request", async () => {
    expect(await judged(good.replace("old 5", "old 13"), seen(13))).toEqual({ status: 400 });
    const bad = [
      "",
      "old 5\n\n",
      good.replace("old 5", "old 05"),
      good.replace("old 5", "old -5"),
      good.replace("old 5", "new 5"),
      good.replace("old 5", "old 5 "),
      good.replace("\n\n", "\n"),
      good.replace("\n\n", "\nAAAA\n\n"),
      `old 5\n${`${"A".repeat(43)}=\n`.repeat(64)}\n${good.slice(good.indexOf(ORIGIN))}`,
      good.replace("old 5", "old 9999999999999999"),
    ];
    for (const body of bad) expect([404, 400], body).toContain((await judged(body, seen(5))).status);
    expect((await judged(good.slice(0, -1), seen(5))).status).toBe(400);
  });

  it("is answered 409 with the size that was seen, where the old size is another, or the root of the same size", async () => {
    expect(await judged(good, seen(7))).toEqual({ status: 409, size: 7 });
    expect(await judged(good, seen(12))).toEqual({ status: 409, size: 12 });
    expect(await judged(good, seen(19))).toEqual({ status: 409, size: 19 });
    expect(await judged(good, undefined)).toEqual({ status: 409, size: 0 });
    expect(await judged(await requestOf(0, 12), seen(5))).toEqual({ status: 409, size: 5 });
    expect(await judged(await requestOf(12, 12), seen(12, FORK))).toEqual({ status: 409, size: 12 });
  });

  it("is answered 422 where the proof does not show that the log only grew", async () => {
    const [first = "", second = ""] = parseAddCheckpoint(good).proof.map((hash) =>
      Buffer.from(hash).toString("base64"),
    );
    for (const body of [
      good.replace(`${first}\n`, ""),
      good.replace(`${first}\n`, `${second}\n`),
      good.replace(`${first}\n${second}`, `${second}\n${first}`),
      await requestOf(8, 12, { proof: [] }),
      await requestOf(8, 12, { tree: FORK }),
      await requestOf(12, 12, { proof: TREE.subproof(5, 0, 12) }),
    ]) {
      const oldSize = Number(/^old (\d+)/.exec(body)?.[1]);
      expect(await judged(body, seen(oldSize))).toEqual({ status: 422 });
    }
    expect(await judged(await requestOf(0, 12, { proof: [TREE.root(0, 4)] }), undefined)).toEqual({
      status: 422,
    });
    const empty = await requestOf(0, 0, { root: TREE.root(0, 1) });
    expect(await judged(empty, undefined)).toEqual({ status: 422 });
  });

  it("is never answered 200 with any byte of it changed, but where the signature's own line says nothing", async () => {
    for (let at = 0; at < good.length; at += 1) {
      const changed = `${good.slice(0, at)}${good[at] === "B" ? "C" : "B"}${good.slice(at + 1)}`;
      expect((await judged(changed, seen(5))).status, `${at}`).not.toBe(200);
    }
  });

  it("never makes the witness throw, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.nat(300), async (text, at) => {
        const body = `${good.slice(0, at)}${text}${good.slice(at)}`;
        expect((await judged(body, seen(5))).status).toBeGreaterThanOrEqual(200);
      }),
      { numRuns: 200 },
    );
  });
});

interface Change {
  readonly signer?: typeof SIGNER;
  readonly tree?: ReferenceTree;
  readonly proof?: readonly Uint8Array[];
  readonly root?: Uint8Array;
}

async function requestOf(oldSize: number, size: number, change: Change = {}): Promise<string> {
  const { signer = SIGNER, tree = TREE } = change;
  const { root = tree.root(0, size) } = change;
  const note = await signCheckpoint({ origin: ORIGIN, size, root }, signer, nodePrimitives);
  const proof = change.proof ?? (oldSize === 0 ? [] : tree.subproof(oldSize, 0, size));
  return encodeAddCheckpoint({ oldSize, proof, note });
}

function seen(size: number, tree: ReferenceTree = TREE): WitnessedHead {
  return { size, root: Uint8Array.from(tree.root(0, Math.min(size, 20))) };
}

function judged(body: string, last: WitnessedHead | undefined) {
  return judgeAddCheckpoint(
    body,
    { logs: LOGS, last: (origin) => (origin === ORIGIN ? last : undefined) },
    nodePrimitives,
  );
}
