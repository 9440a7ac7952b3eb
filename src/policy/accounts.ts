/** Who may sign in by an OpenID provider? An account, by issuer and subject. It has no key here, so that nothing can be signed by it. */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { hasShape, list, object, oneOf, text } from "../base/shape.ts";
import { type Admin, isAdminName, isPathPrefix } from "./admins.ts";

/** Roles that need no signature on a statement: whoever writes policy, approves or is of the root has a key. */
export const ACCOUNT_ROLES = ["operator", "auditor"] as const;
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** An account of a provider, and whose it is. */
export interface Account extends Pick<Admin, "kid" | "person" | "under"> {
  /** `iss` of its ID tokens, compared byte for byte. */
  readonly issuer: string;
  /** `sub`: what the provider never gives to another account. An address of mail is none. */
  readonly subject: string;
  readonly roles: readonly AccountRole[];
}

/** OpenID Connect Core section 2: at most 255 ASCII characters. */
export function isSubject(value: string): boolean {
  return /^[\x20-\x7e]{1,255}$/.test(value);
}

/**
 * An issuer as OpenID Connect Core section 2 has it: a URL without query and fragment, over TLS. A slash at its end is part of it. On
 * this machine, where a provider is tried out, it may do without TLS.
 */
export function isIssuer(value: string): boolean {
  return (
    value.length <= 256 &&
    (/^https:\/\/[^\s?#@/]+[^\s?#@]*$/.test(value) ||
      /^http:\/\/127\.0\.0\.1(:\d{1,5})?(\/[^\s?#@]*)?$/.test(value))
  );
}

const MAX_LIST = 64;

const RECORD = {
  kid: (value: JsonValue | undefined) => typeof value === "string" && isAdminName(value),
  key: object({
    type: oneOf("oidc"),
    issuer: (value) => typeof value === "string" && isIssuer(value),
    subject: (value) => typeof value === "string" && isSubject(value),
  }),
  person: (value: JsonValue | undefined) => typeof value === "string" && isAdminName(value),
  roles: list(oneOf(...ACCOUNT_ROLES), 0, ACCOUNT_ROLES.length),
  under: list((value) => typeof value === "string" && isPathPrefix(value), 0, MAX_LIST),
  owns: list(text(/^$/), 0, 0),
};

/** An account as statements have one: in the form of an admin's record, with a key of the type `oidc`, and an owner of nothing. */
export function accountRecord({ kid, issuer, subject, person, roles, under }: Account): JsonObject {
  return { kid, key: { type: "oidc", issuer, subject }, person, roles, under, owns: [] };
}

/** Reads an account; `undefined` for anything that {@link accountRecord} does not write. */
export function parseAccountRecord(value: JsonValue | undefined): Account | undefined {
  if (!isRecord(value)) return undefined;
  const { kid, key, person, roles, under } = value;
  const isEachOnce = [roles, under].every((names) => new Set<string>(names).size === names.length);
  return isEachOnce ? { kid, issuer: key.issuer, subject: key.subject, person, roles, under } : undefined;
}

type AccountJson = {
  readonly kid: string;
  readonly key: { readonly type: "oidc"; readonly issuer: string; readonly subject: string };
  readonly person: string;
  readonly roles: readonly AccountRole[];
  readonly under: readonly string[];
};

function isRecord(value: JsonValue | undefined): value is AccountJson {
  return hasShape(value, RECORD);
}
