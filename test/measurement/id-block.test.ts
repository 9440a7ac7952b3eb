/** ID blocks against those of virtee/sev, and against what a hostile page may hold. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { base64Of, parseHex } from "../../src/base/bytes.ts";
import {
  encodeIdBlock,
  encodeIdKey,
  type IdKey,
  parseIdBlock,
  signIdBlock,
  verifyIdBlock,
} from "../../src/measurement/id-block.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { itWithVectors, readVector, readVectorJson } from "../support/shared-vectors.ts";

const BLOCK = encodeIdBlock({
  launchDigest: new Uint8Array(48).fill(7),
  familyId: new Uint8Array(16).fill(1),
  imageId: new Uint8Array(16).fill(2),
  guestSvn: 3,
  policy: 0x30000n,
});

async function freshKey(): Promise<IdKey> {
  return nodePrimitives.generateKeyPair("p-384");
}

function keyIn(...path: readonly string[]): IdKey {
  const key = createPrivateKey(Buffer.from(readVector(...path)));
  return {
    pkcs8: key.export({ type: "pkcs8", format: "der" }),
    spki: createPublicKey(key).export({ type: "spki", format: "der" }),
  };
}

describe("an ID block", () => {
  itWithVectors("has the bytes and key digests of virtee/sev", async () => {
    const [vector] = readVectorJson<readonly Record<string, string>[]>(
      "measurement/virtee-sev/expected.json",
    ).filter(({ test }) => test === "idblock");
    const block = parseIdBlock(Uint8Array.from(Buffer.from(vector?.["idBlockB64"] ?? "", "base64")));
    expect(block.launchDigest).toEqual(parseHex(vector?.["launchDigest"] ?? ""));
    expect([block.guestSvn, block.policy]).toEqual([0, 0x30000n]);
    const sha384 = (key: IdKey) => base64Of(nodePrimitives.digest("sha384", encodeIdKey(key.spki)));
    expect(sha384(keyIn("measurement/virtee-sev/test_id_key.pem"))).toBe(vector?.["idKeyDigestB64"]);
    expect(sha384(keyIn("measurement/virtee-sev/test_auth_key.pem"))).toBe(vector?.["authorKeyDigestB64"]);
  });

  itWithVectors(
    "is not vouched for by virtee/sev's page, whose signatures are examples over nothing",
    async () => {
      const page = readVector("measurement/virtee-sev/test_auth_block.bin");
      expect(page).toHaveLength(4096);
      expect(await codeOfPromise(verifyIdBlock(BLOCK, page, nodePrimitives))).toBe(
        "measurement/bad-id-block",
      );
      const keyAt = (at: number) => page.slice(at, at + 1028);
      expect(keyAt(0x240)).toEqual(encodeIdKey(keyIn("measurement/virtee-sev/test_id_key.pem").spki));
      expect(keyAt(0x880)).toEqual(encodeIdKey(keyIn("measurement/virtee-sev/test_auth_key.pem").spki));
    },
  );

  it("is vouched for by the page that was signed for it, with and without an author", async () => {
    const [id, author] = [await freshKey(), await freshKey()];
    const digestOf = ({ spki }: IdKey) => nodePrimitives.digest("sha384", encodeIdKey(spki));
    const whole = await verifyIdBlock(
      BLOCK,
      await signIdBlock(BLOCK, { id, author }, nodePrimitives),
      nodePrimitives,
    );
    expect(whole).toEqual({ idKeyDigest: digestOf(id), authorKeyDigest: digestOf(author) });
    const alone = await verifyIdBlock(
      BLOCK,
      await signIdBlock(BLOCK, { id }, nodePrimitives),
      nodePrimitives,
    );
    expect(alone).toEqual({ idKeyDigest: digestOf(id), authorKeyDigest: undefined });
  });

  it("is not made with an id that nobody set", () => {
    const block = { ...parseIdBlock(BLOCK), imageId: new Uint8Array(16) };
    expect(codeOf(() => encodeIdBlock(block))).toBe("measurement/bad-id-block");
  });

  it("is refused by the page of another block", async () => {
    const page = await signIdBlock(BLOCK, { id: await freshKey() }, nodePrimitives);
    const other = encodeIdBlock({ ...parseIdBlock(BLOCK), guestSvn: 4 });
    expect(await codeOfPromise(verifyIdBlock(other, page, nodePrimitives))).toBe("measurement/bad-id-block");
  });

  property.prop([fc.nat(4095), fc.integer({ min: 1, max: 255 })], { numRuns: 60 })(
    "is refused with any byte of its page changed",
    async (at, mask) => {
      const page = await signedPage;
      const changed = page.slice();
      changed[at] = (changed[at] ?? 0) ^ mask;
      expect(await codeOfPromise(verifyIdBlock(BLOCK, changed, nodePrimitives))).toBe(
        "measurement/bad-id-block",
      );
    },
  );
});

const signedPage = (async () =>
  signIdBlock(BLOCK, { id: await freshKey(), author: await freshKey() }, nodePrimitives))();
