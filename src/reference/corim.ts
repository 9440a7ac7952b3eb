/** What does a CoRIM say, and may it be believed now? Its frame: signature, profile, validity, and the tags within. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { formatInstant, type Instant } from "../base/time.ts";
import { plainName } from "./carried.ts";
import { type Cbor, decodeCbor } from "./cbor.ts";
import { type Comid, idOf, parseComid } from "./comid.ts";
import {
  bytesOf,
  type Fields,
  field,
  fieldsOf,
  listOf,
  malformed,
  momentOf,
  tagOf,
  textOf,
  unknownKeys,
  untagged,
  uriOf,
} from "./fields.ts";
import { parseSign1, SIGN1_TAG, type Sign1, verifySign1 } from "./sign1.ts";

export const CORIM_TAG = 501;
export const COMID_TAG = 506;
/** The newer name first: that one is written. */
export const CONTENT_TYPES = ["application/rim+cbor", "application/corim-unsigned+cbor"] as const;
/** 10,000 reference values come to about 2 MB. */
export const MAX_CORIM_BYTES = 4 * 1024 * 1024;

export interface Corim {
  readonly id: string;
  /** A URI; `undefined` for none, and for one that is an OID. */
  readonly profile: string | undefined;
  /** Names of those who made it, by their own word. */
  readonly entities: readonly string[];
  readonly comids: readonly Comid[];
  readonly validity: Validity;
  /** By whose word; `undefined` where nobody signed. */
  readonly signature: { readonly signer: string; readonly key: string } | undefined;
  readonly sha256: string;
  readonly others: readonly string[];
}

/** Both ends count; a missing one is open. */
export interface Validity {
  readonly notBefore?: Instant;
  readonly notAfter?: Instant;
}

export interface CorimTrust {
  /** Public keys (DER SubjectPublicKeyInfo), or that no signature is wanted. */
  readonly keys: readonly Uint8Array[] | "unsigned";
  readonly now: Instant;
  readonly primitives: Primitives;
}

const OTHER_TAGS: Readonly<Record<number, string>> = {
  505: "a CoSWID tag",
  507: "a CoTS tag",
  508: "a CoTL tag",
};

/**
 * Reads a CoRIM and believes it: signature by a named key, dates of the signature and of the content.
 *
 * @param bytes - Attacker-controlled, at most {@link MAX_CORIM_BYTES}.
 * @throws {@link Fault} `reference/malformed`, `reference/unsigned`, `reference/bad-signature`, `reference/out-of-date`.
 * @see draft-ietf-rats-corim section 4
 */
export async function openCorim(bytes: Uint8Array, { keys, now, primitives }: CorimTrust): Promise<Corim> {
  if (bytes.length > MAX_CORIM_BYTES) throw malformed(`CoRIM: expected at most ${MAX_CORIM_BYTES} bytes`);
  const sha256 = hexOf(primitives.digest("sha256", bytes));
  const item = decodeCbor(bytes);
  const signed = untagged(item, SIGN1_TAG);
  if (signed === undefined) {
    const content = contentOf(item);
    if (keys !== "unsigned") throw new Fault("reference/unsigned", "expected a signed CoRIM (tag 18)");
    refuseOutOfDate(content.validity, now);
    return { ...content, sha256, signature: undefined };
  }
  if (keys === "unsigned")
    throw new Fault("reference/bad-signature", "expected a key for a CoRIM that is signed");
  const sign1 = parseSign1(signed);
  const key = await verifySign1(sign1, keys, primitives);
  const { signer, validity } = signerOf(sign1);
  const content = contentOf(payloadOf(sign1));
  for (const one of [validity, content.validity]) refuseOutOfDate(one, now);
  return { ...content, validity: narrower(validity, content.validity), sha256, signature: { signer, key } };
}

/** Content that is signed may lack its tag, as from older tools: its type, which is signed too, says what it is. */
function payloadOf({ payload }: Sign1): Cbor {
  const item = decodeCbor(payload);
  return tagOf(item) === undefined ? { tag: CORIM_TAG, value: item } : item;
}

type Content = Omit<Corim, "signature" | "sha256">;

function contentOf(item: Cbor): Content {
  const value = untagged(item, CORIM_TAG);
  if (value === undefined)
    throw malformed(`CoRIM: expected tag 501 or 18, received ${tagOf(item) ?? "no tag"}`);
  const corim = fieldsOf(value, "CoRIM");
  const tags = listOf(field(corim, 1), "CoRIM tags");
  const isComid = (tag: Cbor) => untagged(tag, COMID_TAG) !== undefined;
  return {
    id: plainName(idOf(field(corim, 0), "CoRIM id")),
    profile: profileOf(field(corim, 3)),
    entities: entitiesOf(field(corim, 5)),
    comids: tags.filter(isComid).map((tag) => parseComid(bytesOf(untagged(tag, COMID_TAG), "CoMID"))),
    validity: validityOf(field(corim, 4), "rim-validity"),
    others: [
      ...tags
        .filter((tag) => !isComid(tag))
        .map((tag) => OTHER_TAGS[tagOf(tag) ?? 0] ?? "a tag of another kind"),
      ...(field(corim, 2) === undefined ? [] : ["other CoRIMs on which it rests"]),
      ...unknownKeys(corim, [0, 1, 2, 3, 4, 5]).map((key) => `field ${key} of the CoRIM`),
    ],
  };
}

/** A URI, alone or as the only one of a list; an OID is no profile that is known. */
function profileOf(item: Cbor | undefined): string | undefined {
  const [only, ...rest] = Array.isArray(item) ? item : [item];
  if (rest.length > 0) throw malformed("CoRIM profile: expected one");
  if (only === undefined || tagOf(only) === 111) return undefined;
  return plainName(uriOf(only, "CoRIM profile"));
}

function entitiesOf(item: Cbor | undefined): readonly string[] {
  if (item === undefined) return [];
  return listOf(item, "entities").map((one) =>
    plainName(textOf(field(fieldsOf(one, "entity"), 0), "entity-name")),
  );
}

function validityOf(item: Cbor | undefined, what: string): Validity {
  if (item === undefined) return {};
  const fields = fieldsOf(item, what);
  return validityFrom(momentOf(field(fields, 0), what), momentOf(field(fields, 1), what), what);
}

function validityFrom(notBefore: Instant | undefined, notAfter: Instant | undefined, what: string): Validity {
  if (notBefore !== undefined && notAfter !== undefined && notBefore > notAfter)
    throw malformed(`${what}: expected an end that is not before its begin`);
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}

/** Who signed, by corim-meta or by claims of a token: one of the two has to be there. */
function signerOf({ protected: headers }: Sign1): { readonly signer: string; readonly validity: Validity } {
  const type = field(headers, 3);
  if (!CONTENT_TYPES.some((known) => known === type))
    throw malformed(`COSE content type: expected ${CONTENT_TYPES[0]}`);
  const meta = field(headers, 8);
  if (meta === undefined) return claimsOf(fieldsOf(field(headers, 15), "CWT claims"));
  const fields = fieldsOf(decodeCbor(bytesOf(meta, "corim-meta")), "corim-meta");
  const signer = plainName(textOf(field(fieldsOf(field(fields, 0), "signer"), 0), "signer-name"));
  return { signer, validity: validityOf(field(fields, 1), "signature-validity") };
}

function claimsOf(claims: Fields): { readonly signer: string; readonly validity: Validity } {
  const [exp, nbf] = [momentOf(field(claims, 4), "exp"), momentOf(field(claims, 5), "nbf")];
  return {
    signer: plainName(textOf(field(claims, 1), "iss")),
    validity: validityFrom(nbf, exp, "CWT claims"),
  };
}

function refuseOutOfDate({ notBefore, notAfter }: Validity, now: Instant): void {
  if (now >= (notBefore ?? now) && now <= (notAfter ?? now)) return;
  throw new Fault("reference/out-of-date", "expected a CoRIM within its dates", {
    expected: `${notBefore === undefined ? "" : formatInstant(notBefore)}..${notAfter === undefined ? "" : formatInstant(notAfter)}`,
    received: formatInstant(now),
  });
}

function narrower(a: Validity, b: Validity): Validity {
  const begins = [a.notBefore, b.notBefore].filter((at) => at !== undefined).toSorted((x, y) => y - x);
  const ends = [a.notAfter, b.notAfter].filter((at) => at !== undefined).toSorted((x, y) => x - y);
  const [[notBefore], [notAfter]] = [begins, ends];
  return {
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(notAfter === undefined ? {} : { notAfter }),
  };
}
