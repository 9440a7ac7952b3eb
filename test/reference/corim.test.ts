/** Is a CoRIM of somebody else's read, and believed only where it should be? */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { p1363OfDer } from "../../src/base/ecdsa-signature.ts";
import { instant } from "../../src/base/time.ts";
import { decodeCbor, encodeCbor, mapOf } from "../../src/reference/cbor.ts";
import { openCorim } from "../../src/reference/corim.ts";
import { bytesOf, listOf, untagged } from "../../src/reference/fields.ts";
import { carryCorim } from "../../src/reference/from-corim.ts";
import { makeSign1, parseSign1, verifySign1 } from "../../src/reference/sign1.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../support/faults.ts";
import { corimBytes, corimItem, NOW, signedWith, trusting } from "./made-corim.ts";
import { IETF, VERAISON } from "./vectors.ts";

const MEASUREMENT =
  "7699e6ac12ccdfd1dfac70e649ce1f046cb2afbb003438f4cdddfe2ccbe182fa5ffbe8dcdb930454324e10c52c788980";
const SIGNED = [
  ["ES256", VERAISON.es256, VERAISON.es256Key],
  ["ES384", VERAISON.es384, VERAISON.es384Key],
  ["EdDSA", VERAISON.eddsa, VERAISON.eddsaKey],
] as const;
const ANY = { anyInstance: false, product: undefined };

describe("a CoRIM by Veraison", () => {
  it.each(SIGNED)("is verified where it is signed with %s", async (_name, bytes, key) => {
    const corim = await openCorim(bytes, trusting([key]));
    expect(corim).toMatchObject({
      id: "acme-snp-2026-11",
      profile: "tag:amd.com,2024:snp-corim-profile",
      entities: ["ACME Ltd."],
      signature: {
        signer: "ACME Ltd signing key",
        key: hexOf(nodePrimitives.digest("sha256", key)),
      },
      validity: { notBefore: 1_793_491_200, notAfter: 1_809_129_600 },
    });
    expect(corim.comids[0]).toMatchObject({ tagId: "f659d510-3698-4b52-9dc6-39a0dd620998", version: 3n });
  });

  it("gives its measurement, its floor and its conditions, and tells of everything else", async () => {
    const carried = carryCorim(await openCorim(VERAISON.unsigned, trusting("unsigned")), ANY);
    expect(carried.sets).toMatchObject([
      { field: "measurement", entries: [{ value: MEASUREMENT, version: "2026.11.0" }] },
    ]);
    const least = { bootloader: 3, tee: 0, snp: 14, microcode: 211 };
    expect(carried.floors).toEqual([{ tcb: "reported", rows: new Map([["milan", least]]) }]);
    expect(carried.conditions).toEqual([
      "id_block.guest_svn >= 7",
      `id_block.family_id == hex"${"00".repeat(16)}"`,
    ]);
    const told = [
      "Milan",
      "VERSION",
      "POLICY",
      "REPORT_ID",
      "COMMITTED_TCB",
      "the current firmware's version",
    ];
    expect(carried.notes).toHaveLength(told.length);
    for (const word of told) expect(carried.notes.join("\n")).toContain(word);
  });

  it("is refused under another key, of its kind or of another, and under none", async () => {
    for (const [, bytes, key] of SIGNED) {
      const others = SIGNED.map(([, , one]) => one).filter((one) => one !== key);
      expect(await codeOfPromise(openCorim(bytes, trusting(others)))).toBe("reference/bad-signature");
      expect(await codeOfPromise(openCorim(bytes, trusting([])))).toBe("reference/bad-signature");
      expect(await codeOfPromise(openCorim(bytes, trusting([...others, key])))).toBeUndefined();
    }
    const { spki } = await nodePrimitives.generateKeyPair("p-256");
    expect(await codeOfPromise(openCorim(VERAISON.es256, trusting([spki])))).toBe("reference/bad-signature");
  });

  it("is refused after one bit of it was changed, wherever it is", async () => {
    for (let at = 0; at < VERAISON.eddsa.length; at += 3) {
      const changed = VERAISON.eddsa.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      const code = await codeOfPromise(openCorim(changed, trusting([VERAISON.eddsaKey])));
      expect([at, code]).toEqual([at, expect.stringMatching(/^reference\//)]);
    }
  });
});

describe("the signed example of the draft", () => {
  it("is refused with its signature in DER, which COSE does not have", async () => {
    expect(await codeOfPromise(openCorim(IETF.signed, trusting([IETF.key])))).toBe("reference/bad-signature");
  });

  it("is verified with the same signature as COSE writes it, and has nothing for SEV-SNP", async () => {
    const [head, open, payload, signature] = listOf(untagged(decodeCbor(IETF.signed), 18), "COSE_Sign1");
    const plain = p1363OfDer(bytesOf(signature, "signature"), 48);
    expect(plain).toBeDefined();
    if (head === undefined || open === undefined || payload === undefined || plain === undefined) return;
    const bytes = encodeCbor({ tag: 18, value: [head, open, payload, plain] });
    const corim = await openCorim(bytes, trusting([IETF.key]));
    expect(corim).toMatchObject({
      id: "284e6c3e-5d9f-4f6b-851f-5a4247f243a7",
      signature: { signer: "ACME Ltd." },
    });
    const carried = carryCorim(corim, ANY);
    expect([carried.sets, carried.floors, carried.conditions]).toEqual([[], [], []]);
    expect(carried.notes.join("\n")).toContain("all of it: its profile is not named");
  });
});

describe("whom a CoRIM is believed", () => {
  it("is nobody without a signature, but where that was said", async () => {
    expect(await codeOfPromise(openCorim(corimBytes(), trusting([VERAISON.es256Key])))).toBe(
      "reference/unsigned",
    );
    expect((await openCorim(corimBytes(), trusting("unsigned"))).signature).toBeUndefined();
  });

  it("is not taken on nobody's word where somebody signed", async () => {
    expect(await codeOfPromise(openCorim(VERAISON.es256, trusting("unsigned")))).toBe(
      "reference/bad-signature",
    );
  });

  it.each([
    ["before its content begins", 1_793_491_199],
    ["after its content and its signature ended", 1_809_129_601],
  ])("is not believed %s", async (_name, now) => {
    const trust = trusting([VERAISON.es256Key], instant(now));
    expect(await codeOfPromise(openCorim(VERAISON.es256, trust))).toBe("reference/out-of-date");
    const open = trusting("unsigned", instant(now));
    expect(await codeOfPromise(openCorim(VERAISON.unsigned, open))).toBe("reference/out-of-date");
  });

  it.each([
    ["its signature has run out", [8, metaUntil(NOW - 1)], "reference/out-of-date"],
    ["its signature has not begun", [15, mapOf([1, "ACME"], [5, BigInt(NOW + 1)])], "reference/out-of-date"],
    [
      "its signature's token has run out",
      [15, mapOf([1, "ACME"], [4, BigInt(NOW - 1)])],
      "reference/out-of-date",
    ],
    [
      "it is within all of its dates",
      [15, mapOf([1, "ACME"], [4, BigInt(NOW)], [5, BigInt(NOW)])],
      undefined,
    ],
    ["its signature says until when", [8, metaUntil(NOW)], undefined],
    ["nobody is said to have signed", [99, "ACME"], "reference/malformed"],
  ] as const)("depends on the signature's own dates: %s", async (_name, header, code) => {
    const key = await nodePrimitives.generateKeyPair("ed25519");
    const bytes = await signedWith(key, [header]);
    expect(await codeOfPromise(openCorim(bytes, trusting([key.spki])))).toBe(code);
  });

  it("has the narrower of both windows", async () => {
    const key = await nodePrimitives.generateKeyPair("ed25519");
    const times = mapOf([0, { tag: 1, value: BigInt(NOW - 10) }], [1, { tag: 1, value: BigInt(NOW + 10) }]);
    const bytes = await signedWith(
      key,
      [[15, mapOf([1, "ACME"], [4, BigInt(NOW + 5)], [5, BigInt(NOW - 20)])]],
      {
        corim: [[4, times]],
      },
    );
    const { validity } = await openCorim(bytes, trusting([key.spki]));
    expect(validity).toEqual({ notBefore: NOW - 10, notAfter: NOW + 5 });
  });
});

describe("what is signed here", () => {
  it.each(["p-256", "p-384", "ed25519"] as const)(
    "verifies under a key of %s, and under no other",
    async (kind) => {
      const key = await nodePrimitives.generateKeyPair(kind);
      const headers = { contentType: "application/rim+cbor", meta: encodeCbor(mapOf()) };
      const signed = await makeSign1(encodeCbor(corimItem()), headers, key, nodePrimitives);
      const other = await nodePrimitives.generateKeyPair(kind);
      const read = parseSign1(signed.value);
      expect(await verifySign1(read, [other.spki, key.spki], nodePrimitives)).toBe(
        hexOf(nodePrimitives.digest("sha256", key.spki)),
      );
      expect(await codeOfPromise(verifySign1(read, [other.spki], nodePrimitives))).toBe(
        "reference/bad-signature",
      );
    },
  );

  it("is not signed by a key of RSA", async () => {
    const key = await nodePrimitives.generateKeyPair("rsa-3072");
    const headers = { contentType: "application/rim+cbor", meta: new Uint8Array(0) };
    expect(await codeOfPromise(makeSign1(new Uint8Array(1), headers, key, nodePrimitives))).toBe(
      "file/unusable",
    );
  });
});

function metaUntil(notAfter: number): Uint8Array {
  const validity = mapOf([1, { tag: 1, value: BigInt(notAfter) }]);
  return encodeCbor(mapOf([0, mapOf([0, "ACME"])], [1, validity]));
}
