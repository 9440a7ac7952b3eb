/** How is a root key made inside a token? As one that cannot leave it, that nothing but its use is allowed for, and whose label is new. */
import { utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { keysOf } from "./key.ts";
import { allocated, laidOut, templateOf, ulong } from "./memory.ts";
import type { TokenKeyPlace } from "./open.ts";
import { expectOk, type Session, withSession } from "./token.ts";
import { CKA, CKM, P384_OID } from "./words.ts";

/** `aes-256` wraps inside the token; `p-384` is for tokens that have no AES-GCM. */
export type TokenKeyKind = "aes-256" | "p-384";

/** @throws {@link Fault} `kek/unavailable`; `file/unusable` where a key of this label is there. */
export async function generateTokenKey(place: TokenKeyPlace, kind: TokenKeyKind): Promise<void> {
  await withSession(place, async (session) => {
    if ((await keysOf(place.key, session)).length > 0) {
      throw new Fault(
        "file/unusable",
        `a key \`${place.key}\` is in the token already: choose another label`,
      );
    }
    const answered = kind === "aes-256" ? await aes(place.key, session) : await pair(place.key, session);
    expectOk(kind === "aes-256" ? "C_GenerateKey" : "C_GenerateKeyPair", answered);
  });
}

/** What both kinds have in common. */
const KEPT = [
  [CKA.token, true],
  [CKA.private, true],
  [CKA.sensitive, true],
  [CKA.extractable, false],
] as const;

function aes(label: string, { module, handle }: Session): Promise<bigint> {
  const { memory, count } = templateOf([
    ...KEPT,
    [CKA.label, utf8(label)],
    [CKA.valueLen, ulong(32n)],
    [CKA.encrypt, true],
    [CKA.decrypt, true],
  ]);
  return module("C_GenerateKey", handle, laidOut([CKM.aesKeyGen, 0n, 0n]), memory, count, allocated(8));
}

function pair(label: string, { module, handle }: Session): Promise<bigint> {
  const known = templateOf([
    [CKA.token, true],
    [CKA.label, utf8(label)],
    [CKA.ecParams, P384_OID],
  ]);
  const kept = templateOf([...KEPT, [CKA.label, utf8(label)], [CKA.derive, true]]);
  const mechanism = laidOut([CKM.ecKeyPairGen, 0n, 0n]);
  const [one, other] = [allocated(8), allocated(8)];
  return module(
    "C_GenerateKeyPair",
    handle,
    mechanism,
    known.memory,
    known.count,
    kept.memory,
    kept.count,
    one,
    other,
  );
}
