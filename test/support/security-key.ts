/** A security key in software, written from W3C Web Authentication Level 3 and not from what judges it: what a browser would hand over. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { Signer } from "../../src/base/primitives.ts";
import type { Admin } from "../../src/policy/admins.ts";

export const RP_ID = "broker.example";
export const PAGE = "https://broker.example";

/** What a hostile or strange authenticator, page or browser would do otherwise. */
export interface Deviation {
  readonly clientData?: (good: ClientData) => string | object;
  readonly flags?: number;
  readonly signCount?: number;
  readonly rpId?: string;
  /** Behind the counter. */
  readonly tail?: Uint8Array;
  readonly authenticatorData?: (good: Buffer) => Uint8Array;
  readonly signature?: (good: Buffer) => Uint8Array;
  /** Another key than the one that was registered. */
  readonly key?: KeyObject;
}

export interface ClientData {
  readonly type: string;
  readonly challenge: string;
  readonly origin: string;
  readonly crossOrigin: boolean;
}

/** Three members in base64url, as `PublicKeyCredential.toJSON()` has them under `response`. */
export interface AssertionJson {
  readonly authenticatorData: string;
  readonly clientDataJSON: string;
  readonly signature: string;
}

export const UP = 0x01;
export const UV = 0x04;
export const BE = 0x08;
export const BS = 0x10;
export const AT = 0x40;
export const ED = 0x80;

export type Algorithm = "ES256" | "EdDSA";

export interface SecurityKey {
  readonly id: Buffer;
  readonly spki: Uint8Array;
  readonly cose: Uint8Array;
  readonly privateKey: KeyObject;
  readonly webauthn: NonNullable<Admin["webauthn"]>;
  readonly answer: (challenge: Uint8Array, deviation?: Deviation) => AssertionJson;
  readonly assert: (bytes: Uint8Array, deviation?: Deviation) => AssertionJson;
  /** What `navigator.credentials.create()` gives, as `toJSON()` writes it. */
  readonly registration: (deviation?: Pick<Deviation, "clientData" | "flags" | "rpId">) => object;
  readonly signer: (kid: string, deviation?: Deviation) => Signer;
}

const b64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
export const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Section 6.1: the hash of the RP ID, flags, the counter, and what is behind it. */
function authenticatorDataOf(rpId: string, flags: number, signCount: number, tail: Uint8Array): Buffer {
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(signCount);
  return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.of(flags), counter, tail]);
}

/** The canonical form in which the broker keeps one: members in order, no space. */
export function encoded({ authenticatorData, clientDataJSON, signature }: AssertionJson): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ authenticatorData, clientDataJSON, signature }));
}

export function securityKey(
  algorithm: Algorithm = "ES256",
  { rpId = RP_ID, origin = PAGE }: { readonly rpId?: string; readonly origin?: string } = {},
): SecurityKey {
  const pair =
    algorithm === "ES256"
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("ed25519");
  const { privateKey, publicKey } = pair;
  const id = randomBytes(32);
  const spki = Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
  const cose = coseOf(algorithm, spki);
  const clientDataOf = (type: string, challenge: Uint8Array, change: Deviation["clientData"]): Buffer => {
    const good = { type, challenge: b64(challenge), origin, crossOrigin: false };
    const changed = change?.(good) ?? good;
    return Buffer.from(typeof changed === "string" ? changed : JSON.stringify(changed));
  };
  const answer: SecurityKey["answer"] = (challenge, deviation = {}) => {
    const { flags = UP | UV, signCount = 0, tail = Buffer.alloc(0) } = deviation;
    const clientData = clientDataOf("webauthn.get", challenge, deviation.clientData);
    const good = authenticatorDataOf(deviation.rpId ?? rpId, flags, signCount, tail);
    const authenticatorData = deviation.authenticatorData?.(good) ?? good;
    const key = deviation.key ?? privateKey;
    const hash = key.asymmetricKeyType === "ec" ? "sha256" : null;
    const signature = sign(hash, Buffer.concat([authenticatorData, sha256(clientData)]), key);
    return {
      authenticatorData: b64(authenticatorData),
      clientDataJSON: b64(clientData),
      signature: b64(deviation.signature?.(signature) ?? signature),
    };
  };
  const assert: SecurityKey["assert"] = (bytes, deviation) => answer(sha256(bytes), deviation);
  const registration: SecurityKey["registration"] = ({
    clientData,
    flags = UP | UV,
    rpId: other = rpId,
  } = {}) => {
    const attested = Buffer.concat([Buffer.alloc(16, 7), Buffer.of(0, id.length), id, cose]);
    const authData = authenticatorDataOf(other, flags | AT, 0, attested);
    return {
      id: b64(id),
      rawId: b64(id),
      type: "public-key",
      clientExtensionResults: {},
      response: {
        clientDataJSON: b64(clientDataOf("webauthn.create", randomBytes(32), clientData)),
        attestationObject: b64(
          cborMap([
            ["fmt", cborText("none")],
            ["attStmt", Buffer.of(0xa0)],
            ["authData", cborBytes(authData)],
          ]),
        ),
      },
    };
  };
  const signer: SecurityKey["signer"] = (kid, deviation) => ({
    kid,
    algorithm: "WebAuthn",
    spki,
    sign: async (bytes) => encoded(assert(bytes, deviation)),
  });
  return {
    id,
    spki,
    cose,
    privateKey,
    webauthn: { id: Uint8Array.from(id), rpId, origin },
    answer,
    assert,
    registration,
    signer,
  };
}

// ── CBOR (RFC 8949) and COSE keys (RFC 9053), as much as a registration has ─────────────────────────────────────────

function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.of((major << 5) | value);
  if (value < 256) return Buffer.of((major << 5) | 24, value);
  return Buffer.of((major << 5) | 25, value >> 8, value & 255);
}

function cborBytes(bytes: Uint8Array): Buffer {
  return Buffer.concat([cborHead(2, bytes.length), bytes]);
}

function cborText(text: string): Buffer {
  return Buffer.concat([cborHead(3, text.length), Buffer.from(text)]);
}

function cborMap(members: readonly (readonly [string, Uint8Array])[]): Buffer {
  return Buffer.concat([
    cborHead(5, members.length),
    ...members.flatMap(([name, value]) => [cborText(name), value]),
  ]);
}

function coseOf(algorithm: Algorithm, spki: Uint8Array): Uint8Array {
  if (algorithm === "EdDSA") {
    return Buffer.concat([Buffer.from("a401010327200621", "hex"), cborBytes(spki.slice(-32))]);
  }
  const [x, y] = [spki.slice(-64, -32), spki.slice(-32)];
  return Buffer.concat([
    Buffer.from("a5010203262001", "hex"),
    Buffer.of(0x21),
    cborBytes(x),
    Buffer.of(0x22),
    cborBytes(y),
  ]);
}
