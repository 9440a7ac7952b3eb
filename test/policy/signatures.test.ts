import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { fc, test } from "@fast-check/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Signer } from "../../src/base/primitives.ts";
import {
  BUNDLE_TYPE,
  cosignDsse,
  openDsse,
  preAuthenticationEncoding,
  signBundle,
  signDsse,
} from "../../src/policy/signatures.ts";
import {
  ACTIVATION_TYPE,
  encodeActivation,
  parseActivation,
  signActivation,
} from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

interface Person {
  readonly signer: Signer;
  readonly kid: string;
  readonly spki: Uint8Array;
}

function personOf(kid: string, pair = generateKeyPairSync("ed25519")): Person {
  const spki = Uint8Array.from(pair.publicKey.export({ type: "spki", format: "der" }));
  return { kid, spki, signer: signerOf(kid, spki, pair.privateKey) };
}

function signerOf(kid: string, spki: Uint8Array, key: KeyObject): Signer {
  return {
    kid,
    spki,
    algorithm: "Ed25519",
    sign: (bytes) => Promise.resolve(Uint8Array.from(sign(null, bytes, key))),
  };
}

async function codeOf(act: () => unknown): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

interface OpenJson {
  payload: string;
  payloadType: string;
  signatures: { keyid: string; sig: string }[];
}

const ada = personOf("ada");
const ben = personOf("ben");
const eve = personOf("eve");
const payload = utf8("the sources");
const expected = { payloadType: BUNDLE_TYPE, keys: [ada, ben] };
let good: string;
let opened: OpenJson;

beforeAll(async () => {
  good = await signBundle(payload, ada.signer);
  opened = JSON.parse(good);
});

describe("the pre-authentication encoding", () => {
  it("is that of the DSSE document", () => {
    const encoded = preAuthenticationEncoding("http://example.com/HelloWorld", utf8("hello world"));
    expect(hexOf(encoded)).toBe(hexOf(utf8("DSSEv1 29 http://example.com/HelloWorld 11 hello world")));
  });

  it("counts bytes, not characters", () => {
    expect(hexOf(preAuthenticationEncoding("é", utf8("ü")))).toBe(hexOf(utf8("DSSEv1 2 é 2 ü")));
  });
});

describe("an envelope", () => {
  test.prop([fc.uint8Array({ maxLength: 300 })])(
    "gives back what was signed, and who signed it",
    async (bytes) => {
      const envelope = await signDsse(BUNDLE_TYPE, bytes, ada.signer);
      expect(await openDsse(envelope, expected, nodePrimitives)).toEqual({
        payload: bytes,
        signedBy: ["ada"],
      });
    },
  );

  it("is read with padded standard base64 too, as other DSSE tools write it", async () => {
    const standard = (text: string) => Buffer.from(text, "base64url").toString("base64");
    const [signature] = opened.signatures;
    const signatures = [{ keyid: "ada", sig: standard(signature?.sig ?? "") }];
    const other = JSON.stringify({ ...opened, payload: standard(opened.payload), signatures }, undefined, 2);
    expect((await openDsse(other, expected, nodePrimitives)).signedBy).toEqual(["ada"]);
  });

  it("is not made with a key that is no Ed25519 key", async () => {
    const signer: Signer = { ...ada.signer, algorithm: "ES256" };
    expect(await codeOf(() => signBundle(payload, signer))).toBe("internal/invariant");
  });
});

describe("an envelope is refused when", () => {
  const rows: readonly (readonly [string, () => string | Promise<string>])[] = [
    ["it is no JSON", () => "DSSE"],
    ["it is no object", () => "[]"],
    ["it holds a lone surrogate", () => '{"payload":"\ud800"}'],
    ["it has a member twice", () => good.replace("{", '{"payload":"AA",')],
    ["its payload was changed", () => JSON.stringify({ ...opened, payload: "AAAA" })],
    ["its payload is no base64", () => JSON.stringify({ ...opened, payload: "*" })],
    ["it is of another type", () => JSON.stringify({ ...opened, payloadType: ACTIVATION_TYPE })],
    ["it was signed as another type", () => signDsse(ACTIVATION_TYPE, payload, ada.signer)],
    ["nobody signed it", () => JSON.stringify({ ...opened, signatures: [] })],
    ["its signatures are no list", () => JSON.stringify({ ...opened, signatures: {} })],
    ["a signature is no object", () => JSON.stringify({ ...opened, signatures: [1] })],
    ["a stranger signed it", () => signBundle(payload, eve.signer)],
    ["a stranger signed it under a known id", () => signBundle(payload, { ...eve.signer, kid: "ada" })],
    ["the signature is under another person's id", () => good.replace('"ada"', '"ben"')],
    [
      "there are more signatures than anyone needs",
      () => JSON.stringify({ ...opened, signatures: Array.from({ length: 65 }, () => opened.signatures[0]) }),
    ],
  ];
  for (const [deviation, envelope] of rows) {
    it(deviation, async () => {
      expect(await codeOf(async () => openDsse(await envelope(), expected, nodePrimitives))).toBe(
        "policy/bad-signature",
      );
    });
  }

  it("it is larger than any bundle", async () => {
    const large = JSON.stringify({ ...opened, payload: "A".repeat(2_097_152) });
    expect(await codeOf(() => openDsse(large, expected, nodePrimitives))).toBe("policy/bad-signature");
  });

  it("it carries other bytes than the ones at hand", async () => {
    const other = { ...expected, payload: utf8("the sourceS") };
    expect(await codeOf(() => openDsse(good, other, nodePrimitives))).toBe("policy/bad-signature");
    expect((await openDsse(good, { ...expected, payload }, nodePrimitives)).signedBy).toEqual(["ada"]);
  });

  test.prop([fc.string({ maxLength: 200 })])("it is any text whatever", async (text) => {
    expect(await codeOf(() => openDsse(text, expected, nodePrimitives))).toBe("policy/bad-signature");
  });
});

describe("k of n", () => {
  const two = { ...expected, threshold: 2 };

  async function signedBy(...people: readonly Person[]): Promise<string> {
    const envelopes = await Promise.all(people.map((person) => signBundle(payload, person.signer)));
    const signatures = envelopes.flatMap((text) => (JSON.parse(text) as OpenJson).signatures);
    return JSON.stringify({ ...opened, signatures });
  }

  it("opens when two of two signed, in whatever order, strangers beside them", async () => {
    const envelope = await signedBy(eve, ben, ada);
    expect((await openDsse(envelope, two, nodePrimitives)).signedBy).toEqual(["ada", "ben"]);
  });

  it("counts one person once", async () => {
    const envelope = await signedBy(ada, ada);
    expect(await codeOf(() => openDsse(envelope, two, nodePrimitives))).toBe("policy/bad-signature");
  });

  it("counts one key once when it is configured under two ids", async () => {
    const twin: Person = { ...ada, kid: "ada-laptop", signer: { ...ada.signer, kid: "ada-laptop" } };
    const envelope = await signedBy(ada, twin);
    const keys = { ...two, keys: [ada, twin] };
    expect(await codeOf(() => openDsse(envelope, keys, nodePrimitives))).toBe("policy/bad-signature");
  });

  it("is met by signatures that were gathered one after the other", async () => {
    const first = await signDsse(BUNDLE_TYPE, payload, ada.signer);
    const both = await cosignDsse(first, ben.signer);
    expect((await openDsse(both, two, nodePrimitives)).signedBy).toEqual(["ada", "ben"]);
    expect(await cosignDsse(both, ben.signer)).toBe(both);
  });

  it("is never fewer than one", async () => {
    const envelope = await signedBy();
    const none = { ...expected, threshold: 0 };
    expect(await codeOf(() => openDsse(envelope, none, nodePrimitives))).toBe("policy/bad-signature");
  });
});

describe("an activation", () => {
  const statement = {
    digest: "ab".repeat(32),
    serial: 7,
    audience: "https://broker.example",
    at: 1_795_000_000,
    roster: null,
  };

  it("comes back as it was signed", async () => {
    const envelope = await signActivation(statement, ada.signer);
    const keys = { payloadType: ACTIVATION_TYPE, keys: [ada] };
    const { payload: bytes } = await openDsse(envelope, keys, nodePrimitives);
    expect(parseActivation(bytes)).toEqual(statement);
  });

  const rows: readonly (readonly [string, string])[] = [
    ["no JSON", "activate"],
    ["another act", JSON.stringify({ act: "deactivate", ...statement, v: 2 })],
    ["another version", new TextDecoder().decode(encodeActivation(statement)).replace('"v":2', '"v":1')],
    ["a member more", new TextDecoder().decode(encodeActivation(statement)).replace("{", '{"a":1,')],
    ["white space", new TextDecoder().decode(encodeActivation(statement)).replace("{", "{ ")],
    ["serial 0", new TextDecoder().decode(encodeActivation({ ...statement, serial: 0 }))],
    ["a fraction", new TextDecoder().decode(encodeActivation({ ...statement, serial: 1.5 }))],
    [
      "an upper-case digest",
      new TextDecoder().decode(encodeActivation({ ...statement, digest: "AB".repeat(32) })),
    ],
    ["a short digest", new TextDecoder().decode(encodeActivation({ ...statement, digest: "ab" }))],
  ];
  for (const [deviation, text] of rows) {
    it(`is refused for ${deviation}`, async () => {
      expect(await codeOf(() => parseActivation(utf8(text)))).toBe("policy/bad-signature");
    });
  }
});
