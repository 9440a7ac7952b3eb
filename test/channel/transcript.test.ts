/** PROTOCOL section 2: vectors, the table of lengths, and that no two exchanges have one transcript. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { encodeTranscript, type TranscriptFields, transcriptOf } from "../../src/channel/transcript.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { fieldsOf } from "../support/protocol-fields.ts";
import { protocolVectors } from "../support/protocol-vectors.ts";
import { itWithVectors } from "../support/shared-vectors.ts";
import { exchangeFields } from "./exchange-fields.ts";

const ATTEST = "ostiary/attest/v1";

describe("the vectors of PROTOCOL section 2", () => {
  itWithVectors("gives every transcript and REPORT_DATA byte for byte", () => {
    const { vectors } = protocolVectors();
    expect(vectors.length).toBeGreaterThan(0);
    for (const vector of vectors) {
      const { bytes, binder } = transcriptOf(fieldsOf(vector.input), nodePrimitives, "raw");
      expect(bytes.length, vector.name).toBe(vector.transcriptLength);
      expect(hexOf(bytes), vector.name).toBe(vector.transcript);
      expect(hexOf(binder), vector.name).toBe(vector.reportData);
    }
  });

  itWithVectors("hashes the claims as they were carried", () => {
    for (const { input, claims } of protocolVectors().vectors) {
      if (claims === undefined) continue;
      expect(hexOf(nodePrimitives.digest("sha512", new TextEncoder().encode(claims)))).toBe(input.claimsHash);
    }
  });

  itWithVectors("gives the 32-byte binder of the TPM form", () => {
    const { vectors, tpm32 } = protocolVectors();
    expect(tpm32.length).toBeGreaterThan(0);
    for (const vector of tpm32) {
      const input = vectors.find(({ name }) => name === vector.inputOf)?.input;
      if (input === undefined) throw new Error("the vector names no input");
      const { bytes, binder } = transcriptOf(fieldsOf(input), nodePrimitives, "azure-hcl");
      expect(hexOf(bytes)).toBe(vector.transcript);
      expect(hexOf(binder)).toBe(vector.qualifyingData);
    }
  });
});

describe("A08: a flipped field", () => {
  itWithVectors("gives the other REPORT_DATA that the vectors foretell", () => {
    for (const { name, input, flipped } of protocolVectors().vectors) {
      const fields = fieldsOf(input);
      for (const [field, start] of Object.entries(flipped)) {
        const label = field === "label" ? "ostiary/attest-tpm/v1" : ATTEST;
        const hash = nodePrimitives.digest("sha512", encodeTranscript(flip(fields, field), label));
        expect(hexOf(hash).slice(0, 32), `${name} ${field}`).toBe(start);
      }
    }
  });

  it("changes the binder, whichever byte of whichever field it is", () => {
    for (const fields of exchangeFields()) {
      const { binder } = transcriptOf(fields, nodePrimitives, "raw");
      for (const name of BYTE_FIELDS) {
        for (let at = 0; at < fields[name].length; at += 1) {
          const flipped = { ...fields, [name]: fields[name].map((byte, i) => (i === at ? byte ^ 1 : byte)) };
          expect(hexOf(transcriptOf(flipped, nodePrimitives, "raw").binder)).not.toBe(hexOf(binder));
        }
      }
    }
  });
});

describe("A10: moved boundaries", () => {
  it("gives no two distinct inputs one transcript", () => {
    fc.assert(
      fc.property(ANY_FIELDS, ANY_FIELDS, (a, b) => {
        const isSame = hexOf(encodeTranscript(a, ATTEST)) === hexOf(encodeTranscript(b, ATTEST));
        expect(isSame).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { numRuns: 500 },
    );
  });

  it("tells bytes at the end of one field from bytes at the start of the next", () => {
    const [base] = exchangeFields();
    if (base === undefined) throw new Error("no exchange");
    for (const [index, name] of BYTE_FIELDS.entries()) {
      const next = BYTE_FIELDS[index + 1];
      if (next === undefined) continue;
      const joined = Uint8Array.of(...base[name], ...base[next]);
      const seen = new Set<string>();
      for (let cut = 0; cut <= joined.length; cut += 1) {
        const moved = { ...base, [name]: joined.slice(0, cut), [next]: joined.slice(cut) };
        seen.add(hexOf(encodeTranscript(moved, ATTEST)));
      }
      expect(seen.size).toBe(joined.length + 1);
    }
  });
});

describe("the table of lengths", () => {
  const peers = ["nonce", "ownNonce", "wrapPub", "claimsHash"] as const;

  it.each(exchangeFields().map((fields) => ({ name: nameOf(fields), fields })))(
    "takes role and binding of $name as they are",
    ({ fields }) => {
      expect(codeOf(() => transcriptOf(fields, nodePrimitives, "raw"))).toBeUndefined();
    },
  );

  it("refuses a field of another length before anything is hashed", () => {
    const deaf = {
      digest: () => {
        throw new Error("hashed before it was refused");
      },
    };
    for (const fields of exchangeFields()) {
      for (const name of peers) {
        for (const length of [1, fields[name].length + 1, 65_537]) {
          const wrong = { ...fields, [name]: new Uint8Array(length) };
          expect(
            codeOf(() => transcriptOf(wrong, deaf, "raw")),
            `${nameOf(fields)} ${name}`,
          ).toBe("request/malformed");
        }
      }
      expect(codeOf(() => transcriptOf({ ...fields, cb: new Uint8Array(31) }, deaf, "raw"))).toBe(
        "internal/invariant",
      );
    }
  });

  const deviations: readonly {
    readonly name: string;
    readonly of: string;
    readonly change: Partial<TranscriptFields>;
    readonly code: string;
  }[] = [
    {
      name: "a guest without a wrap key",
      of: "1/3",
      change: { suite: 0, wrapPub: new Uint8Array(0) },
      code: "request/malformed",
    },
    { name: "a wrap key of another suite", of: "1/3", change: { suite: 2 }, code: "request/malformed" },
    {
      name: "an uncompressed point under suite 1",
      of: "1/3",
      change: { wrapPub: new Uint8Array(65) },
      code: "request/malformed",
    },
    {
      name: "a wrap key under suite 0",
      of: "2/3",
      change: { wrapPub: new Uint8Array(32) },
      code: "request/malformed",
    },
    {
      name: "a guest's nonce of 32 bytes",
      of: "1/3",
      change: { nonce: new Uint8Array(32) },
      code: "request/malformed",
    },
    {
      name: "a guest without a nonce",
      of: "1/3",
      change: { nonce: new Uint8Array(0) },
      code: "request/malformed",
    },
    {
      name: "a broker's nonce of 48 bytes",
      of: "2/3",
      change: { nonce: new Uint8Array(48) },
      code: "request/malformed",
    },
    {
      name: "an RA-TLS guest without its leaf",
      of: "1/1",
      change: { attesterSpki: new Uint8Array(0) },
      code: "channel/bad-carrier",
    },
    {
      name: "a guest leaf of no curve we take",
      of: "1/1",
      change: { attesterSpki: new Uint8Array(44) },
      code: "channel/bad-carrier",
    },
    {
      name: "a TLS leaf in binding 3",
      of: "1/3",
      change: { attesterSpki: new Uint8Array(91) },
      code: "channel/bad-carrier",
    },
    {
      name: "an exporter in binding 3",
      of: "1/3",
      change: { cb: new Uint8Array(32) },
      code: "internal/invariant",
    },
    {
      name: "binding 2 without an exporter",
      of: "1/2",
      change: { cb: new Uint8Array(0) },
      code: "internal/invariant",
    },
    {
      name: "a guest that does not know its broker's key",
      of: "1/3",
      change: { peerSpki: new Uint8Array(0) },
      code: "internal/invariant",
    },
    {
      name: "a signing key that is not P-256",
      of: "1/3",
      change: { peerSpki: new Uint8Array(120) },
      code: "internal/invariant",
    },
    {
      name: "a peer in the broker's RA-TLS evidence",
      of: "2/1",
      change: { peerSpki: new Uint8Array(91) },
      code: "internal/invariant",
    },
    { name: "no audience", of: "1/3", change: { audience: "" }, code: "internal/invariant" },
    {
      name: "an audience of 513 bytes",
      of: "1/3",
      change: { audience: `${"é".repeat(256)}a` },
      code: "internal/invariant",
    },
    { name: "a VMPL that does not exist", of: "1/3", change: { vmpl: 4 }, code: "request/malformed" },
    { name: "a VMPL between two", of: "1/3", change: { vmpl: 0.5 }, code: "request/malformed" },
    { name: "a VMPL below all", of: "1/3", change: { vmpl: -1 }, code: "request/malformed" },
  ];

  it.each(deviations)("refuses $name", ({ of, change, code }) => {
    const good = exchangeFields().find((fields) => nameOf(fields) === of);
    if (good === undefined) throw new Error("no such exchange");
    expect(codeOf(() => transcriptOf({ ...good, ...change }, nodePrimitives, "raw"))).toBe(code);
  });

  it.each(["azure-hcl", "svsm"] as const)("knows %s at VMPL 0 alone", (format) => {
    const fields = exchangeFields().find((known) => nameOf(known) === "1/3");
    if (fields === undefined) throw new Error("no such exchange");
    expect(codeOf(() => transcriptOf({ ...fields, vmpl: 0 }, nodePrimitives, format))).toBeUndefined();
    expect(codeOf(() => transcriptOf({ ...fields, vmpl: 1 }, nodePrimitives, format))).toBe(
      "request/malformed",
    );
  });
});

describe("the transcript", () => {
  it("differs under each format's label", () => {
    const [fields] = exchangeFields();
    if (fields === undefined) throw new Error("no exchange");
    const formats = ["raw", "azure-hcl", "svsm"] as const;
    const hashes = formats.map((format) =>
      hexOf(transcriptOf({ ...fields, vmpl: 0 }, nodePrimitives, format).binder),
    );
    expect(new Set(hashes).size).toBe(3);
    expect(hashes.map(({ length }) => length / 2)).toEqual([64, 32, 64]);
  });

  it("keeps its own copy of what it was made of", () => {
    const [fields] = exchangeFields();
    if (fields === undefined) throw new Error("no exchange");
    const { fields: kept } = transcriptOf(fields, nodePrimitives, "raw");
    const before = hexOf(kept.wrapPub);
    fields.wrapPub.fill(0);
    expect(hexOf(kept.wrapPub)).toBe(before);
  });
});

const BYTE_FIELDS = ["nonce", "ownNonce", "cb", "attesterSpki", "peerSpki", "wrapPub", "claimsHash"] as const;

/** Fields of any small length: the encoding itself must tell them apart, whatever the table says. */
const ANY_FIELDS: fc.Arbitrary<TranscriptFields> = fc.record({
  role: fc.constantFrom(1, 2),
  binding: fc.constantFrom(1, 2, 3),
  suite: fc.constantFrom(0, 1, 2, 3),
  vmpl: fc.nat({ max: 3 }),
  audience: fc.constantFrom("a", "ab", "\u0000"),
  nonce: smallBytes(),
  ownNonce: smallBytes(),
  cb: smallBytes(),
  attesterSpki: smallBytes(),
  peerSpki: smallBytes(),
  wrapPub: smallBytes(),
  claimsHash: smallBytes(),
});

function smallBytes(): fc.Arbitrary<Uint8Array> {
  return fc.array(fc.nat({ max: 1 }), { maxLength: 6 }).map((bytes) => Uint8Array.from(bytes));
}

function nameOf({ role, binding }: TranscriptFields): string {
  return `${role}/${binding}`;
}

/** The rules of `flipRules` in the vectors. */
function flip(fields: TranscriptFields, field: string): TranscriptFields {
  switch (field) {
    case "role":
      return { ...fields, role: fields.role === 1 ? 2 : 1 };
    case "binding":
      return { ...fields, binding: fields.binding === 1 ? 2 : 1 };
    case "suite":
      return { ...fields, suite: SUITES[fields.suite ^ 1] ?? 0 };
    case "vmpl":
      return { ...fields, vmpl: fields.vmpl ^ 1 };
    case "audience":
      return { ...fields, audience: `${fields.audience}/` };
    case "label":
      return fields;
    default: {
      const name = BYTE_FIELDS.find((known) => known === field);
      if (name === undefined) throw new Error(`the vectors flip ${field}, and this test does not`);
      return { ...fields, [name]: flippedBytes(fields[name], EMPTY_BECOMES[name]) };
    }
  }
}

const SUITES = [0, 1, 2, 3] as const;
const EMPTY_BECOMES = {
  nonce: 0,
  ownNonce: 0,
  cb: 32,
  attesterSpki: 91,
  peerSpki: 91,
  wrapPub: 32,
  claimsHash: 64,
};

function flippedBytes(bytes: Uint8Array, sizeIfEmpty: number): Uint8Array {
  return bytes.length === 0
    ? new Uint8Array(sizeIfEmpty)
    : bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
}
