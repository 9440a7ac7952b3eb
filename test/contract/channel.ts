/** Does the exchange of binding 3 hold on this runtime, by every suite, and do its bytes equal those of the protocol's vectors? */
import { beforeAll, describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { instant } from "../../src/base/time.ts";
import { issueNonce, type NonceKeys, nonceMacKey, openNonce } from "../../src/channel/nonce.ts";
import {
  encodeReleaseHeader,
  releaseSignatureInput,
  releaseTypeOf,
  type SealedRelease,
} from "../../src/channel/release-key.ts";
import { sessionSignatureInput } from "../../src/channel/session.ts";
import { type OfferedSuite, wrapOf } from "../../src/channel/suites.ts";
import { type Transcript, transcriptOf } from "../../src/channel/transcript.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { bytesOf, fieldsOf, type ProtocolVectors } from "../support/protocol-fields.ts";

export interface ChannelSubject {
  readonly name: string;
  readonly primitives: Primitives;
  /** The text of `protocol-vectors.json`; empty where the shared documents are not there. */
  readonly vectors: string;
}

const NOW = instant(1_790_000_000);
const AUDIENCE = "https://broker.example/c/0001";
const DECISION = "01JD0000000000000000000000";
const NONE = new Uint8Array(0);
const random = (size: number): Uint8Array => crypto.getRandomValues(new Uint8Array(size));

/** What a guest and its broker hold after one exchange. */
interface Exchanged {
  readonly transcript: Transcript;
  readonly wrapPrivate: Uint8Array;
  readonly secret: Uint8Array;
  readonly release: SealedRelease;
}

export function describeChannel({ name, primitives, vectors }: ChannelSubject): void {
  const itWithVectors = vectors === "" ? it.skip : it;
  const where = vectors === "" ? " (no ../shared/design here)" : "";
  const read = (): ProtocolVectors => JSON.parse(vectors);

  describe(`the protocol's vectors on ${name}`, () => {
    itWithVectors(`give transcripts, and another hash for each field that is flipped${where}`, () => {
      for (const vector of read().vectors) {
        const { bytes, binder } = transcriptOf(fieldsOf(vector.input), primitives, "raw");
        expect(hexOf(bytes)).toBe(vector.transcript);
        expect(hexOf(binder)).toBe(vector.reportData);
        for (const other of Object.values(vector.flipped)) expect(other).not.toBe(vector.reportData);
      }
    });

    itWithVectors(`give nonces and their MAC keys${where}`, () => {
      for (const vector of read().nonce) {
        const macKey = nonceMacKey(bytesOf(vector.clusterSecret), primitives);
        expect(hexOf(macKey)).toBe(vector.macKey);
        const current = { kid: vector.kid, macKey };
        const { audience, tenant } = vector;
        const keys = { current, live: [current], audience, tenant, lifetimeSeconds: 60 };
        const plan = { binding: 3, now: instant(vector.exp - 60), rand: bytesOf(vector.rand) } as const;
        expect(hexOf(issueNonce(plan, keys, primitives).nonce)).toBe(vector.nonce);
      }
    });

    itWithVectors(`give the bytes that are signed over releases and sessions${where}`, () => {
      for (const vector of read().release) {
        const binder = bytesOf(
          read().vectors.find(({ name: of }) => of === vector.reportDataOf)?.reportData ?? "",
        );
        const parts = { binder, enc: bytesOf(vector.enc), ct: bytesOf(vector.ct) };
        const input = releaseSignatureInput({ ...parts, aad: utf8(vector.header) });
        expect(hexOf(primitives.digest("sha256", input))).toBe(vector.signatureInputSha256);
      }
      for (const { audience, signatureInput, ...vector } of read().session) {
        const [guestNonce, cb, leafSpki] = [vector.guestNonce, vector.cb, vector.leafSpki].map(bytesOf);
        const input = sessionSignatureInput({
          audience,
          guestNonce: guestNonce ?? NONE,
          cb: cb ?? NONE,
          leafSpki: leafSpki ?? NONE,
        });
        expect(hexOf(input)).toBe(signatureInput);
      }
    });
  });

  describe(`an exchange of binding 3 on ${name}`, () => {
    let signer: Signer;
    beforeAll(async () => {
      signer = await makeSigner();
    });

    it.each([1, 2, 3] as const)("gives a guest its secret by suite %i, and nobody else", async (suite) => {
      const own = await exchanged(suite, signer, primitives);
      const opened = await openReleases(answerOf(own), contextOf(own, signer, primitives));
      expect(opened.map(({ secret }) => hexOf(secret))).toEqual([hexOf(own.secret)]);

      const other = await exchanged(suite, signer, primitives);
      const stranger = await makeSigner();
      for (const [answer, context] of [
        [answerOf(other), contextOf(own, signer, primitives)],
        [answerOf(own), { ...contextOf(own, signer, primitives), wrapPrivate: other.wrapPrivate }],
        [answerOf(own), contextOf(own, stranger, primitives)],
        [{ ...answerOf(own), releases: [] }, contextOf(own, signer, primitives)],
      ] as const) {
        await expect(openReleases(answer, context)).rejects.toMatchObject({ code: "channel/bad-release" });
      }
    });

    it("takes a nonce of its own for this binding alone, until it ends", () => {
      const { nonce } = issueNonce({ binding: 3, now: NOW, rand: random(16) }, KEYS(primitives), primitives);
      const open = (change: object, bytes = nonce) =>
        openNonce(bytes, { binding: 3, now: NOW, ...change }, KEYS(primitives), primitives);
      expect(open({}).kid).toBe(1);
      expect(() => open({ binding: 2 })).toThrow(expect.objectContaining({ code: "nonce/invalid" }));
      expect(() => open({ now: instant(NOW + 66) })).toThrow(
        expect.objectContaining({ code: "nonce/expired" }),
      );
      for (let at = 0; at < nonce.length; at += 1) {
        const flipped = nonce.with(at, (nonce[at] ?? 0) ^ 1);
        expect(() => open({}, flipped)).toThrow(expect.objectContaining({ code: "nonce/invalid" }));
      }
    });
  });
}

function KEYS(primitives: Primitives): NonceKeys {
  const current = { kid: 1, macKey: nonceMacKey(new Uint8Array(32).fill(0xaa), primitives) };
  return { current, live: [current], audience: AUDIENCE, tenant: "", lifetimeSeconds: 60 };
}

interface Signer {
  readonly spki: Uint8Array;
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/** A broker's signing key: P-256, `r ‖ s`. */
async function makeSigner(): Promise<Signer> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("a pair of keys");
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const sign = async (bytes: Uint8Array) =>
    new Uint8Array(
      await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, Uint8Array.from(bytes)),
    );
  return { spki, sign };
}

async function exchanged(suite: OfferedSuite, signer: Signer, primitives: Primitives): Promise<Exchanged> {
  const wrap = wrapOf(suite);
  const wrapPrivate = random(wrap.privateKeySize);
  const { nonce } = issueNonce({ binding: 3, now: NOW, rand: random(16) }, KEYS(primitives), primitives);
  const transcript = transcriptOf(
    {
      role: 1,
      binding: 3,
      suite,
      vmpl: 0,
      audience: AUDIENCE,
      nonce,
      ownNonce: random(32),
      cb: NONE,
      attesterSpki: NONE,
      peerSpki: signer.spki,
      wrapPub: await wrap.publicKeyOf(wrapPrivate, primitives),
      claimsHash: primitives.digest("sha512", utf8('{"want":[{"secret":"a/b"}]}')),
    },
    primitives,
    "raw",
  );
  const secret = random(32);
  return {
    transcript,
    wrapPrivate,
    secret,
    release: await sealed({ transcript, suite, secret, signer, primitives }),
  };
}

/** As the broker seals it: header, wrap, signature. */
async function sealed(plan: {
  readonly transcript: Transcript;
  readonly suite: OfferedSuite;
  readonly secret: Uint8Array;
  readonly signer: Signer;
  readonly primitives: Primitives;
}): Promise<SealedRelease> {
  const { suite, signer, primitives, secret } = plan;
  const { binder, fields } = plan.transcript;
  const header = encodeReleaseHeader({
    v: 1,
    typ: releaseTypeOf(suite),
    alg: "ES256",
    kid: "signing-1",
    suite,
    binding: 3,
    secret_id: "a/b",
    key_version: 1,
    policy_hash: "ab".repeat(32),
    decision: DECISION,
    iat: NOW,
    exp: instant(NOW + 60),
    seq: 0,
    of: 1,
  });
  const recipient = fields.wrapPub;
  const { enc, ct } = await wrapOf(suite).seal(
    { recipient, binder, aad: header, plaintext: secret, random },
    primitives,
  );
  const sig = await signer.sign(releaseSignatureInput({ binder, aad: header, enc, ct }));
  return { header, enc, ct, sig };
}

function answerOf({ release }: Exchanged) {
  return { decision: DECISION, releases: [release], refused: [] };
}

function contextOf({ transcript, wrapPrivate }: Exchanged, { spki }: Signer, primitives: Primitives) {
  const wanted = [{ secret: "a/b" }];
  return { transcript, wrapPrivate, wanted, isPartial: false, signingKey: spki, now: NOW, primitives };
}
