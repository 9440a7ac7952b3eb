/** What do people sign when they approve one request of one guest? Canonical JSON in DSSE, over everything that they are shown. */
import { concatBytes, equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { hasShape, hex, integer, oneOf, type Shape, text } from "../base/shape.ts";
import { createApprovalGroups } from "../writ/approval-groups.ts";
import type { Program } from "../writ/program.ts";
import type { Admin } from "./admins.ts";
import { openDsse, parseObject, signDsse } from "./signatures.ts";

const TYPE = "application/vnd.ostiary.request-approval.v1+json";
const MAX_BYTES = 4096;
const MAX_SECONDS = 253_402_300_799; // 9999-12-31

/** A request as people see it: the same one again, whatever its evidence, as long as it is the same guest over the same channel. */
export type RequestSubject = {
  readonly resource: string;
  readonly op: "release" | "derive";
  /** `report.id`, lower-case hex: this start of this guest, and no other. */
  readonly report: string;
  readonly channel: "application" | "ra-tls" | "tls-exporter" | "kbs";
  /** The broker that was asked. */
  readonly audience: string;
};

/** One person's yes. */
export type RequestApproval = RequestSubject & {
  /** When it was signed, in Unix seconds: it is alive for minutes, not longer. */
  readonly at: number;
};

const APPROVAL = {
  resource: text(/^[!-~]{1,512}$/),
  op: oneOf("release", "derive"),
  report: hex(32),
  channel: oneOf("application", "ra-tls", "tls-exporter", "kbs"),
  audience: text(/^\P{Cc}{1,512}$/u),
  at: integer(0, MAX_SECONDS),
} satisfies Shape<RequestApproval>;

/** What a request is known by: SHA-256 of its subject, lower-case hex. */
export function requestDigest(subject: RequestSubject, digest: Primitives["digest"]): string {
  const { resource, op, report, channel, audience } = subject;
  const bytes = canonicalJsonBytes({ v: 1, kind: "request", resource, op, report, channel, audience });
  return hexOf(digest("sha256", bytes));
}

export function signRequestApproval(approval: RequestApproval, signer: Signer): Promise<string> {
  return signDsse(TYPE, encodeRequestApproval(approval), signer);
}

/** An approval that somebody among these admins signed. */
export interface SignedApproval {
  readonly approval: RequestApproval;
  readonly admin: Admin;
  /** SHA-256 of who signed and what, lower-case hex: it names the approval, whatever its envelope looks like. */
  readonly digest: string;
}

/**
 * Opens an approval: what was approved, and who did. One envelope is one person's word.
 *
 * @param envelope - JSON text, attacker-controlled, in the database too.
 * @throws {@link Fault} `policy/bad-signature`.
 */
export async function openRequestApproval(
  envelope: string,
  admins: readonly Admin[],
  primitives: Pick<Primitives, "verify" | "digest">,
): Promise<SignedApproval> {
  const { payload, signedBy } = await openDsse(envelope, { payloadType: TYPE, keys: admins }, primitives);
  const signers = admins.filter(({ kid }) => signedBy.includes(kid));
  const [admin] = signers;
  if (admin === undefined || signers.length > 1) throw rejected("the signature of one admin");
  const named = concatBytes(utf8(`${admin.person} `), payload); // two people may sign the same bytes in the same second
  return {
    approval: parseRequestApproval(payload),
    admin,
    digest: hexOf(primitives.digest("sha256", named)),
  };
}

/** The canonical JSON that {@link signRequestApproval} signs. */
export function encodeRequestApproval(approval: RequestApproval): Uint8Array {
  const { resource, op, report, channel, audience, at } = approval;
  return canonicalJsonBytes({ v: 1, act: "approve-request", resource, op, report, channel, audience, at });
}

/** Reads a payload: canonical, with these members and no others. @throws {@link Fault} `policy/bad-signature`. */
function parseRequestApproval(payload: Uint8Array): RequestApproval {
  const { v: _version, act: _act, ...approval } = parseObject(payload, MAX_BYTES);
  if (isApproval(approval) && equalBytes(encodeRequestApproval(approval), payload)) return approval;
  throw rejected("an approval: v, act, resource, op, report, channel, audience, at");
}

function isApproval(value: ReturnType<typeof parseObject>): value is RequestApproval {
  return hasShape(value, APPROVAL);
}

function rejected(expected: string): Fault {
  return new Fault("policy/bad-signature", `approval: expected ${expected}`);
}

/** Whose approvals the policies about a resource count; none for nearly every one. */
export function approvalGroups(program: Program, resource: string): readonly string[] {
  const groups = known.get(program);
  if (groups !== undefined) return groups(resource);
  known.set(program, createApprovalGroups(program));
  return approvalGroups(program, resource);
}

const known = new WeakMap<Program, (resource: string) => readonly string[]>();

/** The distinct people of each group. */
export function countPeople(
  admins: readonly Admin[],
  groups: readonly string[],
): ReadonlyMap<string, number> {
  return new Map(
    groups.map((group) => {
      const members = admins.filter(({ owns }) => owns.includes(group));
      return [group, new Set(members.map(({ person }) => person)).size];
    }),
  );
}
