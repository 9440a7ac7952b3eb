/** How is the roster of admins told, and how does a change of it come in? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ACCOUNT_ROLES, accountRecord } from "../policy/accounts.ts";
import { type Admin, adminRecord, type OwnerGroup, ROLES } from "../policy/admins.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { bytesField, countField, digestField, fixedBytesField, textField } from "./fields.ts";
import type { RosterView } from "./governance-messages.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

/** A DSSE envelope as JSON text; `policy/roster.ts` opens it. */
export const ROSTER_CHANGE = v.strictObject({
  statement: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_BODY_BYTES)),
});

const NAMES = v.array(textField(256));
const ED25519_BYTES = 44;
const P256_BYTES = 91;

/** How a key signs goes by its type (`policy/admins.ts`). */
const KEY = v.variant("type", [
  v.object({ type: v.literal("ed25519"), spki: fixedBytesField(ED25519_BYTES) }),
  v.object({
    type: v.literal("webauthn"),
    spki: bytesField(ED25519_BYTES, P256_BYTES),
    credential: bytesField(16, 1023),
    rp_id: textField(253),
    origin: textField(300),
  }),
]);

const ADMIN = v.object({
  kid: textField(128),
  key: KEY,
  person: textField(128),
  roles: v.array(v.picklist(ROLES)),
  under: v.array(textField(512)),
  owns: NAMES,
  root: v.boolean(),
});

const ACCOUNT = v.object({
  kid: textField(128),
  key: v.object({ type: v.literal("oidc"), issuer: textField(256), subject: textField(255) }),
  person: textField(128),
  roles: v.array(v.picklist(ACCOUNT_ROLES)),
  under: v.array(textField(512)),
});

const GROUP = v.object({
  name: textField(128),
  paths: v.array(textField(512)),
  modules: NAMES,
  refsets: NAMES,
  approvals: countField(1),
});

export const ROSTER_VIEW = v.object({
  admins: v.array(ADMIN),
  /** A broker of before has none. */
  accounts: v.optional(v.array(ACCOUNT), []),
  groups: v.array(GROUP),
  approvals: countField(0),
  rootThreshold: countField(1),
  serial: countField(0),
  head: v.exactOptional(digestField()),
  live: v.exactOptional(v.object({ serial: countField(1), envelope: digestField() })),
  warnings: v.array(textField(512)),
});

/** Reads a change that was signed. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeRosterChange(bytes: Uint8Array): { readonly statement: string } {
  return decode(ROSTER_CHANGE, bytes, REQUEST);
}

export function encodeRosterChangeRequest(statement: string): string {
  return encode({ statement });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeRosterView(bytes: Uint8Array): RosterView {
  const { admins, accounts, ...view } = decode(ROSTER_VIEW, bytes, ANSWER);
  return {
    ...view,
    admins: admins.map(({ key, root, ...admin }) => ({ ...admin, ...keyOf(key), isRoot: root })),
    accounts: accounts.map(({ key: { issuer, subject }, ...account }) => ({ ...account, issuer, subject })),
  };
}

function keyOf(key: v.InferOutput<typeof KEY>): Pick<Admin, "spki" | "webauthn"> {
  if (key.type === "ed25519") return { spki: key.spki };
  const { spki, credential, rp_id, origin } = key;
  return { spki, webauthn: { id: credential, rpId: rp_id, origin } };
}

export function encodeRosterView(view: RosterView): string {
  const { admins, accounts, groups, approvals, rootThreshold, serial, head, live, warnings } = view;
  return encode({
    admins: admins.map((admin): JsonObject => ({ ...adminRecord(admin), root: admin.isRoot })),
    accounts: accounts.map(accountRecord),
    groups: groups.map(groupOf),
    approvals,
    rootThreshold,
    serial,
    head,
    live: live && { serial: live.serial, envelope: live.envelope },
    warnings,
  });
}

function groupOf({ name, paths, modules, refsets, approvals }: OwnerGroup): JsonObject {
  return { name, paths, modules, refsets, approvals };
}
