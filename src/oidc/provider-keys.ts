/** Which keys does a provider sign with? Its JWK set, kept in memory for a while: nobody who writes to the database adds one. */
import { parseBase64 } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import { isJsonObject } from "../base/shape.ts";
import type { Instant } from "../base/time.ts";
import type { ProviderKey } from "../broker/identity.ts";
import { type AskParts, askJson, unavailable } from "./ask-json.ts";
import type { ProviderPlan } from "./plan.ts";

/** A key that the provider took back serves for no longer than this. */
const KEPT_SECONDS = 600;
/** However many strangers name keys that nobody knows, and however often a provider fails. */
const BETWEEN_SECONDS = 30;
const MAX_KEYS = 64;

/** A provider's public keys. */
export interface KeySet {
  readonly keys: readonly JsonObject[];
  readonly obtainedAt: Instant;
}

export interface ProviderKeys {
  /**
   * The one key that a header may mean: by its `kid`, or the only one there is. One that is not known is asked for, seldom.
   *
   * @throws {@link Fault} `login/unavailable` where no keys are at hand that are new enough.
   */
  readonly keyOf: (kid: string | undefined) => Promise<JsonObject | undefined>;
  /** What is known; asked anew where that is old. `undefined` where the provider cannot be asked. */
  readonly newest: () => Promise<KeySet | undefined>;
}

/** Makes the memory of one provider's keys. Whoever comes while they are fetched waits for the same answer. */
export function createProviderKeys(
  plan: Pick<ProviderPlan, "issuer" | "jwksUri">,
  parts: AskParts,
): ProviderKeys {
  let kept: KeySet | undefined;
  let triedAt: Instant | undefined;
  let flying: Promise<KeySet> | undefined;

  return {
    keyOf: async (kid) => {
      const known = keyIn(await current(), kid);
      if (known !== undefined || isTooSoon()) return known;
      return keyIn(await asked(), kid);
    },
    newest: async () => {
      try {
        return await current();
      } catch (thrown) {
        if (isFault(thrown)) return kept;
        throw thrown;
      }
    },
  };

  async function current(): Promise<KeySet> {
    if (kept !== undefined && parts.now() - kept.obtainedAt < KEPT_SECONDS) return kept;
    if (flying === undefined && isTooSoon())
      throw unavailable(`expected keys of \`${plan.issuer}\`, which could not be had just now`);
    return asked();
  }

  function isTooSoon(): boolean {
    return triedAt !== undefined && parts.now() - triedAt < BETWEEN_SECONDS;
  }

  function asked(): Promise<KeySet> {
    triedAt = parts.now();
    flying ??= fetched(plan, parts).finally(() => {
      flying = undefined;
    });
    return flying.then((set) => {
      kept = set;
      return set;
    });
  }
}

function keyIn({ keys }: KeySet, kid: string | undefined): JsonObject | undefined {
  const [key, ...more] = kid === undefined ? keys : keys.filter((one) => one["kid"] === kid);
  return more.length === 0 ? key : undefined;
}

/** OpenID Connect Discovery section 4: what does not call itself by the configured name is somebody else. */
async function fetched(
  { issuer, jwksUri }: Pick<ProviderPlan, "issuer" | "jwksUri">,
  parts: AskParts,
): Promise<KeySet> {
  const { keys } = await askJson(jwksUri ?? (await discovered(issuer, parts)), parts);
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw unavailable(`expected at most ${MAX_KEYS} keys of \`${issuer}\` in a JWK set`);
  return { keys: keys.filter(isPublicKey), obtainedAt: parts.now() };
}

async function discovered(issuer: string, parts: AskParts): Promise<string> {
  const about = await askJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, parts);
  const { issuer: own, jwks_uri: at } = about;
  if (own !== issuer)
    throw unavailable(`expected the metadata of \`${issuer}\`, received those of another issuer`);
  if (typeof at === "string") return at;
  throw unavailable(`expected \`jwks_uri\` in the metadata of \`${issuer}\``);
}

/** What else stands in the set, keys for encryption and secrets that nobody should publish, is nothing here. */
function isPublicKey(value: JsonValue): value is JsonObject {
  if (!isJsonObject(value)) return false;
  const { kty, use = "sig" } = value;
  return ["RSA", "EC", "OKP"].some((known) => known === kty) && use === "sig";
}

// ── what an inventory says of them ──────────────────────────────────────────────────────────────────────────────────

/** Each of them, and the certificate that the provider put beside it. Half a key is none: nobody signs in by it either. */
export async function describedKeys(
  { keys, obtainedAt }: KeySet,
  { issuer, algorithms }: Pick<ProviderPlan, "issuer" | "algorithms">,
): Promise<readonly ProviderKey[]> {
  const described = keys.map(async (key): Promise<readonly ProviderKey[]> => {
    const read = await readKey(key).catch(() => undefined);
    if (read === undefined) return [];
    const { alg } = key;
    const certificate = certificateOf(key);
    return [
      {
        issuer,
        name: keyName(issuer, key, read.thumbprint),
        spki: read.spki,
        algorithms: typeof alg === "string" ? algorithms.filter((one) => one === alg) : algorithms,
        ...(certificate === undefined ? {} : { certificate }),
        obtainedAt,
      },
    ];
  });
  return (await Promise.all(described)).flat();
}

/** What a library makes of it, so that it is the key that signatures are held against. */
async function readKey(key: JsonObject): Promise<{ readonly spki: Uint8Array; readonly thumbprint: string }> {
  const { calculateJwkThumbprint, exportSPKI, importJWK } = await import("jose");
  const { kty, crv, alg } = key;
  const usual = kty === "RSA" ? "RS256" : (ALGORITHM_OF_CURVE.get(String(crv)) ?? "none");
  const imported = await importJWK({ ...key }, typeof alg === "string" ? alg : usual, { extractable: true });
  if (imported instanceof Uint8Array) throw unavailable("expected a public key");
  const pem = await exportSPKI(imported);
  const spki = parseBase64(pem.replace(/-----[A-Z ]+-----|\s/g, "")) ?? new Uint8Array(0);
  return { spki, thumbprint: await calculateJwkThumbprint({ ...key }) };
}

const ALGORITHM_OF_CURVE: ReadonlyMap<string, string> = new Map([
  ["P-256", "ES256"],
  ["P-384", "ES384"],
  ["P-521", "ES512"],
  ["Ed25519", "EdDSA"],
]);

/** By its `kid`, where that can stand in a name; a provider may write anything there. */
export function keyName(issuer: string, { kid }: JsonObject, thumbprint: string): string {
  const isWord = typeof kid === "string" && /^[\w.~:+=-]{1,128}$/.test(kid);
  return `oidc-key/${issuer}/${isWord ? kid : thumbprint}`;
}

/** RFC 7517 section 4.7: base64, not base64url; the first is of the key. */
function certificateOf({ x5c }: JsonObject): Uint8Array | undefined {
  const [first] = Array.isArray(x5c) ? x5c : [];
  return typeof first === "string" ? parseBase64(first) : undefined;
}
