/** Does X-Wing over a runtime's Primitives give what its draft printed, and HPKE over it what the working group printed? */
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, parseHex } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { type HpkeSuite, openBase, sealBase } from "../../src/channel/hpke.ts";
import { labeledKdfOf } from "../../src/channel/labeled-kdf.ts";
import { HPKE_X25519, HPKE_XWING } from "../../src/channel/suites.ts";
import { X_WING } from "../../src/channel/x-wing.ts";
import type { HpkeSubject } from "./hpke.ts";

type Row = Readonly<Record<string, unknown>>;

export function describeXWing({ name, primitives, vector }: HpkeSubject): void {
  describe(`X-Wing on ${name}`, () => {
    describeDraft(primitives, vector("xwing/test-vectors.json"));
    describeWorkingGroup(primitives, vector("hpke/xwing.json"));
    describeSeals(primitives);
  });
}

function describeDraft(primitives: Primitives, text: string | undefined): void {
  const where = text === undefined ? " (no ../shared/vectors here)" : "";
  const itWithVector = text === undefined ? it.skip : it;
  itWithVector(`gives the draft's public keys and shared secrets${where}`, async () => {
    const rows: readonly Row[] = JSON.parse(text ?? "[]");
    expect(rows.length).toBe(3);
    for (const row of rows) {
      expect(hexOf(await X_WING.publicKeyOf(field(row, "sk"), primitives))).toBe(row["pk"]);
      const shared = await X_WING.decapsulate(field(row, "sk"), field(row, "ct"), primitives);
      expect(shared === undefined ? undefined : hexOf(shared)).toBe(row["ss"]);
    }
  });

  itWithVector(`encapsulates as the draft does, given the draft's ML-KEM half${where}`, async () => {
    const rows: readonly Row[] = JSON.parse(text ?? "[]");
    for (const row of rows) {
      const fixed = withMlKemOf(row, primitives);
      const ephemeral = field(row, "eseed").slice(32);
      const { shared, enc } = await X_WING.encapsulate(field(row, "pk"), ephemeral, fixed);
      expect({ shared: hexOf(shared), enc: hexOf(enc) }).toEqual({ shared: row["ss"], enc: row["ct"] });
      expect(hexOf(ephemeral)).toBe("00".repeat(32));
    }
  });
}

/** The port draws ML-KEM's randomness itself; here its answer is the one of the vector, opened with the vector's key. */
function withMlKemOf(row: Row, primitives: Primitives): Primitives {
  const seed = primitives.shake256(field(row, "sk"), 96).slice(0, 64);
  const ciphertext = field(row, "ct").slice(0, 1088);
  return {
    ...primitives,
    kemEncapsulate: async () => ({ ciphertext, shared: await primitives.kemDecapsulate(seed, ciphertext) }),
  };
}

/** The file's AEAD is ChaCha20-Poly1305, which we do not offer: its key and nonce are compared, and its suite's numbers. */
function describeWorkingGroup(primitives: Primitives, text: string | undefined): void {
  const where = text === undefined ? " (no ../shared/vectors here)" : "";
  (text === undefined ? it.skip : it)(`gives HPKE's key schedule (KEM 0x647a)${where}`, async () => {
    const rows: readonly Row[] = JSON.parse(text ?? "[]");
    const row = rows.find((one) => one["kdf_id"] === 1);
    if (row === undefined) throw new Error("the file has a vector of HKDF-SHA256");
    expect(row).toMatchObject({ kem_id: X_WING.id, mode: 0, aead_id: 3 });
    const seen: { key: Uint8Array; iv: Uint8Array }[] = [];
    const recording: Primitives = {
      ...primitives,
      aeadOpen: async (key, iv) => {
        seen.push({ key: key.slice(), iv: iv.slice() });
        return undefined;
      },
    };
    const theirs: HpkeSuite = { ...HPKE_XWING, aeadId: 3, pskIdHash: pskIdHashOf(primitives, X_WING.id, 3) };
    const sealed = { enc: field(row, "enc"), ct: new Uint8Array(16), aad: new Uint8Array(0) };
    const privateKey = field(row, "skRm");
    await openBase({ ...sealed, privateKey, info: field(row, "info") }, recording, theirs);
    expect(seen.map(({ key, iv }) => ({ key: hexOf(key), base_nonce: hexOf(iv) }))).toEqual([
      { key: row["key"], base_nonce: row["base_nonce"] },
    ]);
    expect(hexOf(await X_WING.publicKeyOf(privateKey, primitives))).toBe(row["pkRm"]);
  });

  it("has the pinned hashes of no pre-shared key that RFC 9180 computes", () => {
    for (const { kem, aeadId, pskIdHash } of [HPKE_X25519, HPKE_XWING]) {
      expect(hexOf(pskIdHash)).toBe(hexOf(pskIdHashOf(primitives, kem.id, aeadId)));
    }
  });
}

function pskIdHashOf(primitives: Primitives, kemId: number, aeadId: number): Uint8Array {
  const ids = [kemId, 1, aeadId].flatMap((id) => [id >> 8, id & 255]);
  const suiteId = concatBytes(new TextEncoder().encode("HPKE"), Uint8Array.from(ids));
  const none = new Uint8Array(0);
  return labeledKdfOf(primitives, suiteId).extract(none, "psk_id_hash", none);
}

function describeSeals(primitives: Primitives): void {
  const bytes = (size: number, value: number): Uint8Array => new Uint8Array(size).fill(value);
  const [info, aad, plaintext] = [bytes(20, 1), bytes(21, 2), bytes(48, 3)];
  const sealedTo = async (privateKey: Uint8Array) => {
    const recipient = await X_WING.publicKeyOf(privateKey, primitives);
    const input = { recipient, info, aad, plaintext, ephemeral: bytes(32, 9) };
    return { privateKey, info, aad, ...(await sealBase(input, primitives, HPKE_XWING)) };
  };

  it("opens what it sealed, another ciphertext each time", async () => {
    const first = await sealedTo(bytes(32, 7));
    const second = await sealedTo(bytes(32, 7));
    expect(first.enc.length).toBe(1120);
    expect(first.ct).not.toEqual(second.ct);
    for (const sealed of [first, second]) {
      expect(await openBase(sealed, primitives, HPKE_XWING)).toEqual(plaintext);
    }
  });

  it("opens nothing whose ML-KEM half, X25519 half, ciphertext, info or key is another", async () => {
    const good = await sealedTo(bytes(32, 7));
    const flipped = (from: Uint8Array, at: number) => from.map((byte, i) => (i === at ? byte ^ 1 : byte));
    for (const at of [0, 543, 1087, 1088, 1119]) {
      const enc = flipped(good.enc, at);
      expect(await openBase({ ...good, enc }, primitives, HPKE_XWING), `enc ${at}`).toBeUndefined();
    }
    for (const change of [
      { ct: flipped(good.ct, 0) },
      { info: bytes(20, 8) },
      { aad: bytes(21, 8) },
      { privateKey: bytes(32, 8) },
      { enc: good.enc.slice(0, 1119) },
      { enc: good.enc.slice(0, 32) },
    ]) {
      expect(await openBase({ ...good, ...change }, primitives, HPKE_XWING)).toBeUndefined();
    }
  });

  it("seals to no key of another size or with coefficients beyond the modulus", async () => {
    const input = { info, aad, plaintext, ephemeral: bytes(32, 9) };
    for (const recipient of [bytes(32, 1), bytes(1215, 1), bytes(1216, 0xff)]) {
      const attempt = sealBase({ ...input, recipient, ephemeral: bytes(32, 9) }, primitives, HPKE_XWING);
      await expect(attempt).rejects.toMatchObject({ code: "channel/bad-key" });
    }
  });
}

function field(row: Row, name: string): Uint8Array {
  const text = row[name];
  const bytes = typeof text === "string" ? parseHex(text) : undefined;
  if (bytes === undefined) throw new Error(`the vector has no hex in ${name}`);
  return bytes;
}
