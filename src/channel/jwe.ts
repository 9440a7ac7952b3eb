/** How is a secret sealed for a guest that speaks JOSE? Suite 3: one compact JWE, ECDH-ES and A256GCM on P-256 (RFC 7516, 7518). */
import { base64UrlOf, concatBytes, parseBase64Url, parseUtf8, u32be, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { hasShape, isJsonObject, object, oneOf, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { badKey } from "./kem.ts";
import type { OpenPlan, Sealed, SealPlan, Wrap } from "./wrap.ts";

const SCALAR_SIZE = 32;
const POINT_SIZE = 65;
const UNCOMPRESSED = 0x04;
const IV_SIZE = 12;
const TAG_SIZE = 16;
const KEY_BITS = 256;
const ENC = "A256GCM";
const MAX_HEADER_BYTES = 1024;
const NONE = new Uint8Array(0);

/** Suite 3, `jwe-p256`. Public keys are uncompressed points; the ephemeral key travels inside the JWE. */
export const JWE_P256: Wrap = {
  privateKeySize: SCALAR_SIZE,
  publicKeyOf: (privateKey, primitives) => primitives.publicKeyOf("p256", privateKey),
  isHopeless: async (recipient, primitives) => !(await isPoint(recipient, primitives)),
  seal,
  open,
};

/** Any key agrees with a point of the curve, and none with anything else. */
async function isPoint(point: Uint8Array, { agree }: Pick<Primitives, "agree">): Promise<boolean> {
  const one = new Uint8Array(SCALAR_SIZE);
  one[SCALAR_SIZE - 1] = 1;
  return isUncompressed(point) && (await agree("p256", one, point)).length > 0;
}

function isUncompressed(point: Uint8Array): boolean {
  return point.length === POINT_SIZE && point[0] === UNCOMPRESSED;
}

async function seal(plan: SealPlan, primitives: Primitives): Promise<Sealed> {
  const { recipient, aad, binder, plaintext, random } = plan;
  if (!isUncompressed(recipient)) throw badKey(`${POINT_SIZE} bytes, an uncompressed point`);
  const ephemeral = random(SCALAR_SIZE);
  const parties = partiesOf(aad, binder, primitives);
  const [shared, epk] = await Promise.all([
    primitives.agree("p256", ephemeral, recipient),
    primitives.publicKeyOf("p256", ephemeral),
  ]);
  ephemeral.fill(0);
  // INVARIANT: a point off the curve, which could betray a key that is used again, agrees with nothing.
  if (shared.length === 0) throw badKey("a point of the curve P-256");
  const header = encoded(canonicalJsonBytes(headerOf(parties, epk)));
  const iv = random(IV_SIZE);
  const key = contentKeyOf(shared, parties, primitives);
  const sealed = await primitives.aeadSeal(key, iv, utf8(header), plaintext);
  key.fill(0);
  const [ct, tag] = [sealed.slice(0, -TAG_SIZE), sealed.slice(-TAG_SIZE)];
  return { enc: NONE, ct: utf8([header, "", encoded(iv), encoded(ct), encoded(tag)].join(".")) };
}

async function open(plan: OpenPlan, primitives: Primitives): Promise<Uint8Array | undefined> {
  const { privateKey, binder, aad, enc, ct } = plan;
  const jwe = enc.length === 0 ? readCompact(ct) : undefined;
  if (jwe === undefined) return undefined;
  const parties = partiesOf(aad, binder, primitives);
  const epk = ephemeralOf(jwe.header, parties);
  if (epk === undefined) return undefined;
  const shared = await primitives.agree("p256", privateKey, epk);
  if (shared.length === 0) return undefined;
  const key = contentKeyOf(shared, parties, primitives);
  const opened = await primitives.aeadOpen(key, jwe.iv, utf8(encoded(jwe.header)), jwe.sealed);
  key.fill(0);
  return opened;
}

/** PartyUInfo and PartyVInfo: the release's header, and the exchange. */
interface Parties {
  readonly apu: Uint8Array;
  readonly apv: Uint8Array;
}

function partiesOf(aad: Uint8Array, binder: Uint8Array, { digest }: Pick<Primitives, "digest">): Parties {
  return { apu: digest("sha256", aad), apv: binder };
}

function headerOf({ apu, apv }: Parties, epk: Uint8Array) {
  const [x, y] = [encoded(epk.slice(1, 1 + SCALAR_SIZE)), encoded(epk.slice(1 + SCALAR_SIZE))];
  return {
    alg: "ECDH-ES",
    enc: ENC,
    apu: encoded(apu),
    apv: encoded(apv),
    epk: { kty: "EC", crv: "P-256", x, y },
  };
}

/** Zeroises `shared`. */
function contentKeyOf(shared: Uint8Array, parties: Parties, primitives: Pick<Primitives, "digest">) {
  const key = concatKdf({ ...parties, shared, algorithm: ENC, bits: KEY_BITS }, primitives);
  shared.fill(0);
  return key;
}

export interface ConcatKdfInput extends Parties {
  readonly shared: Uint8Array;
  /** `enc` of the header, in direct agreement. */
  readonly algorithm: string;
  /** Of the key, at most 256: one round of SHA-256. */
  readonly bits: 128 | 256;
}

/** The key of direct agreement (RFC 7518 section 4.6.2): Concat KDF of NIST SP 800-56A with SHA-256, one round. */
export function concatKdf(input: ConcatKdfInput, { digest }: Pick<Primitives, "digest">): Uint8Array {
  const { shared, algorithm, apu, apv, bits } = input;
  const hashed = concatBytes(
    u32be(1),
    shared,
    withLength(utf8(algorithm)),
    withLength(apu),
    withLength(apv),
    u32be(bits),
  );
  const key = digest("sha256", hashed).slice(0, bits / 8);
  hashed.fill(0);
  return key;
}

function withLength(bytes: Uint8Array): Uint8Array {
  return concatBytes(u32be(bytes.length), bytes);
}

interface Compact {
  readonly header: Uint8Array;
  readonly iv: Uint8Array;
  /** Ciphertext and tag, as the port takes them. */
  readonly sealed: Uint8Array;
}

/** Five parts, the second, an encrypted key, empty: direct agreement has none. */
function readCompact(ct: Uint8Array): Compact | undefined {
  const [header, key, iv, body, tag, ...rest] = (parseUtf8(ct) ?? "").split(".").map(parseBase64Url);
  if (header === undefined || iv === undefined || body === undefined || tag === undefined) return undefined;
  const isDirect = key?.length === 0 && rest.length === 0;
  if (!isDirect || iv.length !== IV_SIZE || tag.length !== TAG_SIZE) return undefined;
  return { header, iv, sealed: concatBytes(body, tag) };
}

/** The sender's point, from a header that has exactly our members and names exactly this release and exchange. */
function ephemeralOf(header: Uint8Array, { apu, apv }: Parties): Uint8Array | undefined {
  const value = jsonOf(header);
  const coordinate = text(/^[A-Za-z0-9_-]{43}$/);
  const isOurs = hasShape(value, {
    alg: oneOf("ECDH-ES"),
    enc: oneOf(ENC),
    apu: oneOf(encoded(apu)),
    apv: oneOf(encoded(apv)),
    epk: object({ kty: oneOf("EC"), crv: oneOf("P-256"), x: coordinate, y: coordinate }),
  });
  const epk = isOurs && isJsonObject(value) ? value["epk"] : undefined;
  if (!isJsonObject(epk)) return undefined;
  const [x, y] = [parseBase64Url(String(epk["x"])), parseBase64Url(String(epk["y"]))];
  if (x === undefined || y === undefined) return undefined;
  return concatBytes(Uint8Array.of(UNCOMPRESSED), x, y);
}

function jsonOf(header: Uint8Array): JsonValue | undefined {
  try {
    return parseStrictJson(header, { maxBytes: MAX_HEADER_BYTES, maxDepth: 3, code: "channel/bad-release" });
  } catch (thrown) {
    if (thrown instanceof Fault) return undefined;
    throw thrown;
  }
}

function encoded(bytes: Uint8Array): string {
  return base64UrlOf(bytes);
}
