/** Who is an admin, and what may they do? People with keys, roles and the paths that these reach. */

import { base64UrlOf, parseBase64Url } from "../base/bytes.ts";
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { hasShape, list, object, oneOf, type Rule, text } from "../base/shape.ts";
import { bareKeyOf } from "../base/spki.ts";
import { isOriginOf, schemeOf, type WebAuthnCredential } from "./webauthn.ts";

/** Each says what its holder may do; none of them both writes a policy and approves it. */
export const ROLES = ["author", "approver", "operator", "auditor", "break-glass"] as const;
export type Role = (typeof ROLES)[number];

/** The owner group whose members sign changes of the roster: the configuration's admins, and whom they add to it. */
export const ROOT_GROUP = "root";

/** A key, and whose it is. One person may have several: they count once wherever people are counted. */
export interface Admin {
  /** Names the key, in requests, signatures and the log. */
  readonly kid: string;
  /** DER SubjectPublicKeyInfo: Ed25519, or P-256 where a security key holds it. */
  readonly spki: Uint8Array;
  /** There where a security key signs, and then nothing counts but its assertions. */
  readonly webauthn?: WebAuthnCredential;
  readonly person: string;
  readonly roles: readonly Role[];
  /** Path prefixes that the roles reach, in whole segments; none means every path. */
  readonly under: readonly string[];
  /** Owner groups that the person is a member of. */
  readonly owns: readonly string[];
}

/** Who answers for some resources, modules or reference values, and how many of them have to approve a change of those. */
export interface OwnerGroup {
  readonly name: string;
  /** Path prefixes, in whole segments. */
  readonly paths: readonly string[];
  readonly modules: readonly string[];
  /** `MODULE/SET`. */
  readonly refsets: readonly string[];
  readonly approvals: number;
}

/** What the configuration says about people: the root of all trust in admins, never in the database. */
export interface Governance {
  readonly admins: readonly Admin[];
  readonly groups: readonly OwnerGroup[];
  /** People who approve what no owner group answers for; 0: one admin may change policy alone. */
  readonly approvals: number;
  /** People of the root who sign a change of the roster. */
  readonly rootThreshold: number;
  /** Operators who sign an edition of the advisory data; one unless it is said. */
  readonly advisorySigners?: number;
  /** The last resort: history that the configuration vouches for, where its root cannot any more. */
  readonly accepts: { readonly roster?: string; readonly activation?: string };
}

/** Whether a path lies under one of the prefixes; everything does where there are none. */
export function reaches({ under }: Pick<Admin, "under">, path: string): boolean {
  return under.length === 0 || under.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
}

const NAME = /^[\w.@-]{1,128}$/;
const PREFIX = /^[A-Za-z0-9._~@:+=-]{1,128}(?:\/[A-Za-z0-9._~@:+=-]{1,128}){0,15}$/;
const MAX_LIST = 64;

/** What an admin is called: the name of a key, of a person or of a group. */
export function isAdminName(name: string): boolean {
  return NAME.test(name);
}

/** A path prefix: whole segments. */
export function isPathPrefix(prefix: string): boolean {
  return PREFIX.test(prefix) && !prefix.split("/").some((segment) => segment === "." || segment === "..");
}

const isPrefix: Rule = (value) => typeof value === "string" && isPathPrefix(value);

const FILE_KEY = { type: oneOf("ed25519"), spki: text(/^[A-Za-z0-9_-]{59}$/) };
const SECURITY_KEY = {
  type: oneOf("webauthn"),
  spki: text(/^(?:[A-Za-z0-9_-]{59}|[A-Za-z0-9_-]{122})$/),
  credential: text(/^[A-Za-z0-9_-]{22,1364}$/),
  rp_id: text(/^[a-z0-9.-]{1,253}$/),
  origin: text(/^[a-z0-9.:/-]{1,300}$/),
};
const isKey: Rule = (value) => object(FILE_KEY)(value) || object(SECURITY_KEY)(value);

const RECORD = {
  kid: text(NAME),
  key: isKey,
  person: text(NAME),
  roles: list(oneOf(...ROLES), 0, ROLES.length),
  under: list(isPrefix, 0, MAX_LIST),
  owns: list(text(NAME), 0, MAX_LIST),
};

/** A key as statements, answers and the configuration have one: it names its type. */
type AdminKeyJson =
  | { readonly type: "ed25519"; readonly spki: string }
  | {
      readonly type: "webauthn";
      readonly spki: string;
      readonly credential: string;
      readonly rp_id: string;
      readonly origin: string;
    };

/** An admin as statements and answers have one. */
export function adminRecord(admin: Admin): JsonObject {
  const { kid, person, roles, under, owns } = admin;
  return { kid, key: adminKeyRecord(admin), person, roles, under, owns };
}

function adminKeyRecord({ spki, webauthn }: Pick<Admin, "spki" | "webauthn">): AdminKeyJson {
  if (webauthn === undefined) return { type: "ed25519", spki: base64UrlOf(spki) };
  const { id, rpId, origin } = webauthn;
  return { type: "webauthn", spki: base64UrlOf(spki), credential: base64UrlOf(id), rp_id: rpId, origin };
}

/** Reads an admin; `undefined` for anything that {@link adminRecord} does not write. */
export function parseAdminRecord(value: JsonValue | undefined): Admin | undefined {
  if (!isRecord(value)) return undefined;
  const { kid, person, roles, under, owns } = value;
  const key = parseAdminKey(value.key);
  if (key === undefined) return undefined;
  const isEachOnce = [roles, under, owns].every((names) => new Set<string>(names).size === names.length);
  return isEachOnce ? { kid, ...key, person, roles, under, owns } : undefined;
}

/** Reads a key; `undefined` where its parts do not belong together. */
function parseAdminKey(key: AdminKeyJson): Pick<Admin, "spki" | "webauthn"> | undefined {
  const spki = parseBase64Url(key.spki);
  if (spki === undefined) return undefined;
  if (key.type === "ed25519") return bareKeyOf("ed25519", spki) === undefined ? undefined : { spki };
  const id = parseBase64Url(key.credential);
  const { rp_id: rpId, origin } = key;
  const isFit = schemeOf(spki) !== undefined && isOriginOf(origin, rpId);
  return isFit && id !== undefined ? { spki, webauthn: { id, rpId, origin } } : undefined;
}

type AdminJson = {
  readonly kid: string;
  readonly key: AdminKeyJson;
  readonly person: string;
  readonly roles: readonly Role[];
  readonly under: readonly string[];
  readonly owns: readonly string[];
};

function isRecord(value: JsonValue | undefined): value is AdminJson {
  return hasShape(value, RECORD);
}
