/** What must every implementation that signs do? RFC 8032 to the byte; for the rest, what another implementation accepts. */
import { p256, p384 } from "@noble/curves/nist.js";
import { describe, expect, it } from "vitest";
import { concatBytes, hexOf, parseHex, utf8 } from "../../src/base/bytes.ts";
import type { KeyPair, KeyPairKind, SignatureScheme } from "../../src/base/primitives.ts";
import { bareKeyOf, signatureSizeOf } from "../../src/base/spki.ts";
import type { PrimitivesUnderTest } from "./primitives.ts";

const MESSAGE = utf8("a message to be signed");
const bytes = (hex: string): Uint8Array => parseHex(hex) ?? new Uint8Array(0);

/** RFC 8032 section 7.1, tests 1 to 3: private key, message, signature. */
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

const ED25519_PKCS8 = "302e020100300506032b657004220420";

const KIND_OF_SCHEME = {
  ed25519: "ed25519",
  "ecdsa-p256-sha256": "p-256",
  "ecdsa-p384-sha384": "p-384",
  "rsa-3072-pss-sha256": "rsa-3072",
  "rsa-3072-pkcs1-sha256": "rsa-3072",
  "rsa-4096-pss-sha256": "rsa-4096",
  "rsa-4096-pkcs1-sha256": "rsa-4096",
} as const satisfies Partial<Record<SignatureScheme, KeyPairKind>>;

type Tried = keyof typeof KIND_OF_SCHEME;

const TRIED: readonly Tried[] = [
  "ed25519",
  "ecdsa-p256-sha256",
  "ecdsa-p384-sha384",
  "rsa-3072-pss-sha256",
  "rsa-3072-pkcs1-sha256",
  "rsa-4096-pss-sha256",
  "rsa-4096-pkcs1-sha256",
];

const VTPM_KEY = {
  name: "RSASSA-PKCS1-v1_5",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: "SHA-256",
} as const;

export function describeSigning({ name, primitives, hasRsa }: PrimitivesUnderTest): void {
  const { sign, verify } = primitives;
  const schemes = TRIED.filter((scheme) => hasRsa || !scheme.startsWith("rsa"));
  const made = new Map<KeyPairKind, Promise<KeyPair>>();
  const pairOf = (scheme: Tried): Promise<KeyPair> => {
    const kind = KIND_OF_SCHEME[scheme];
    const pair = made.get(kind) ?? primitives.generateKeyPair(kind);
    made.set(kind, pair); // an RSA key takes a second
    return pair;
  };

  describe(`${name} that signs`, () => {
    it.each(RFC_8032)("signs under %s as RFC 8032 says", async (key, message, signature) => {
      const pkcs8 = bytes(`${ED25519_PKCS8}${key}`);
      expect(hexOf((await sign("ed25519", pkcs8, bytes(message))) ?? MESSAGE)).toBe(signature);
    });

    it.each(schemes)("signs by %s what it verifies, and no other message", async (scheme) => {
      const { pkcs8, spki } = await pairOf(scheme);
      const signature = (await sign(scheme, pkcs8, MESSAGE)) ?? MESSAGE;
      expect(signature).toHaveLength(signatureSizeOf(scheme));
      expect(await verify(scheme, spki, MESSAGE, signature)).toBe(true);
      expect(await verify(scheme, spki, utf8("another message"), signature)).toBe(false);
    });

    it("signs by ECDSA what noble accepts", async () => {
      const rows = [
        ["ecdsa-p256-sha256", p256],
        ["ecdsa-p384-sha384", p384],
      ] as const;
      for (const [scheme, curve] of rows) {
        const { pkcs8, spki } = await pairOf(scheme);
        const signature = (await sign(scheme, pkcs8, MESSAGE)) ?? MESSAGE;
        const point = concatBytes(Uint8Array.of(4), bareKeyOf(scheme, spki) ?? MESSAGE);
        expect(curve.verify(signature, MESSAGE, point, { lowS: false })).toBe(true);
      }
    });

    it("signs nothing with a key of another scheme, or with what is no key", async () => {
      for (const scheme of schemes) {
        const others = schemes.filter((other) => KIND_OF_SCHEME[other] !== KIND_OF_SCHEME[scheme]);
        for (const other of others) {
          expect(await sign(scheme, (await pairOf(other)).pkcs8, MESSAGE)).toBeUndefined();
        }
        expect(await sign(scheme, MESSAGE, MESSAGE)).toBeUndefined();
        expect(await sign(scheme, new Uint8Array(0), MESSAGE)).toBeUndefined();
      }
    });

    it.each(hasRsa ? [2048] : [])(
      "verifies what a key of %i bits signed by PKCS #1, and nothing else",
      async () => {
        const { subtle } = globalThis.crypto;
        const pair = await subtle.generateKey(VTPM_KEY, true, ["sign", "verify"]);
        const spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
        const signature = new Uint8Array(
          await subtle.sign(VTPM_KEY.name, pair.privateKey, Uint8Array.from(MESSAGE)),
        );
        const verified = (change: {
          readonly key?: Uint8Array;
          readonly by?: Uint8Array;
          readonly over?: Uint8Array;
        }) =>
          verify("rsa-2048-pkcs1-sha256", change.key ?? spki, change.over ?? MESSAGE, change.by ?? signature);
        expect(await verified({})).toBe(true);
        const no: readonly Parameters<typeof verified>[0][] = [
          { over: utf8("another message") },
          { by: signature.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) },
          { by: signature.map((byte, i) => (i === 255 ? byte ^ 1 : byte)) },
          { by: signature.slice(1) },
          { by: concatBytes(Uint8Array.of(0), signature) },
          { by: new Uint8Array(256) },
          { by: new Uint8Array(256).fill(0xff) },
          { key: spki.map((byte, i) => (i === 100 ? byte ^ 1 : byte)) },
          { key: concatBytes(spki, Uint8Array.of(0)) },
        ];
        for (const change of no) expect(await verified(change)).toBe(false);
        expect(await verify("rsa-3072-pkcs1-sha256", spki, MESSAGE, signature)).toBe(false);
      },
    );

    it("gives no signature of one padding to the other", async () => {
      for (const bits of hasRsa ? ([3072, 4096] as const) : []) {
        const { pkcs8, spki } = await pairOf(`rsa-${bits}-pss-sha256`);
        const signed = (await sign(`rsa-${bits}-pkcs1-sha256`, pkcs8, MESSAGE)) ?? MESSAGE;
        expect(await verify(`rsa-${bits}-pss-sha256`, spki, MESSAGE, signed)).toBe(false);
        expect(await verify(`rsa-${bits}-pkcs1-sha256`, spki, MESSAGE, signed)).toBe(true);
      }
    });
  });
}
