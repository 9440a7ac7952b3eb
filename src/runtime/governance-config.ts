/** What does the configuration say of people? Admins, owner groups, and how many of them it takes: the root of all trust in them. */
import * as v from "valibot";
import { parseBase64Url } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { bareKeyOf } from "../base/spki.ts";
import {
  type Admin,
  type Governance,
  isPathPrefix,
  type OwnerGroup,
  ROLES,
  ROOT_GROUP,
} from "../policy/admins.ts";
import { peopleOf, rootOf } from "../policy/roster.ts";
import { isOriginOf, schemeOf } from "../policy/webauthn.ts";
import { isEachOnce, path, table, whole } from "./config-fields.ts";

const IN_ONE_DOMAIN =
  "an `origin` as https://HOST or http://localhost, with its port, and the `rp_id` HOST or a domain that it lies in";

const adminName = v.pipe(
  v.string(),
  v.regex(/^[\w.@-]{1,128}$/, "a name of letters, digits, `.`, `_`, `@` and `-`"),
);

/** Bytes in base64url of which `isFit` says that they are what is wanted. */
function bytesThat(isFit: (bytes: Uint8Array) => boolean, message: string) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, Uint8Array>(({ dataset, addIssue, NEVER }) => {
      const bytes = parseBase64Url(dataset.value);
      if (bytes !== undefined && isFit(bytes)) return bytes;
      addIssue({ message });
      return NEVER;
    }),
  );
}

const spki = bytesThat(
  (bytes) => schemeOf(bytes) !== undefined,
  "base64url of a SubjectPublicKeyInfo: Ed25519 (44 bytes), or P-256 (91 bytes) of a security key",
);
const credential = bytesThat(
  ({ length }) => length >= 16 && length <= 1023,
  "base64url of a credential id (16 to 1023 bytes)",
);

/** What a credential of a security key is bound to: the page of the broker, [webauthn] of whom it was made for. */
const webauthn = v.pipe(
  table({ credential, rp_id: v.string(), origin: v.string() }),
  v.check(({ rp_id, origin }) => isOriginOf(origin, rp_id), IN_ONE_DOMAIN),
);

/** Where the page for security keys is served, which statements and new admins have to come from. */
export const WEBAUTHN = v.pipe(
  table({ origin: v.string(), rp_id: v.optional(v.string()) }),
  v.transform(({ origin, rp_id: rpId = hostOf(origin) }) => ({ origin, rpId })),
  v.check(({ origin, rpId }) => isOriginOf(origin, rpId), IN_ONE_DOMAIN),
);

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}

function each<T extends v.GenericSchema<string, string>>(one: T, most: number) {
  return v.pipe(
    v.array(one),
    v.check((list) => list.length <= most && isEachOnce(list), `at most ${most}, each once`),
  );
}

const prefix = v.pipe(v.string(), v.check(isPathPrefix, "a path in whole segments, without wildcards"));
const label = v.pipe(v.string(), v.regex(/^[\w./-]{1,256}$/, "the name of a module, or MODULE/SET"));
/** Whoever the configuration names may do everything but let themselves in in an emergency, unless it says less. */
const USUAL_ROLES = ROLES.filter((role) => role !== "break-glass");

const PERSON = {
  kid: adminName,
  person: v.optional(adminName),
  roles: v.optional(each(v.picklist(ROLES), ROLES.length), USUAL_ROLES),
  under: v.optional(each(prefix, 64), []),
  owns: v.optional(each(adminName, 64), [ROOT_GROUP]),
};

const admin = v.pipe(
  table({ ...PERSON, spki: v.optional(spki), file: v.optional(path), webauthn: v.optional(webauthn) }),
  v.check((read) => (read.spki === undefined) !== (read.file === undefined), "either `spki` or `file`"),
  v.check(
    (read) => isOfItsKind(read),
    "an Ed25519 key; one that a security key holds has `webauthn` beside its `spki`",
  ),
);

/** The key of a file is Ed25519; that of a security key comes with what it is bound to. */
function isOfItsKind(read: { readonly spki?: Uint8Array | undefined; readonly webauthn?: unknown }): boolean {
  if (read.webauthn !== undefined) return read.spki !== undefined;
  return read.spki === undefined || bareKeyOf("ed25519", read.spki) !== undefined;
}

/** One name, one key: an approval by two people must not be one person twice. */
export const ADMINS = v.pipe(
  v.array(admin),
  v.check((list) => isEachOnce(list.map(({ kid }) => kid)), "each `kid` once"),
  v.check((list) => isEachOnce(list.map((read) => read.file ?? String(read.spki))), "each key once"),
);

/** Admins of a broker that has no files. */
export const WORKER_ADMINS = v.pipe(
  v.array(
    v.pipe(
      table({ ...PERSON, spki, webauthn: v.optional(webauthn) }),
      v.check(
        (read) => isOfItsKind(read),
        "an Ed25519 key; one that a security key holds has `webauthn` beside it",
      ),
    ),
  ),
  v.check((list) => isEachOnce(list.map(({ kid }) => kid)), "each `kid` once"),
  v.check((list) => isEachOnce(list.map((read) => String(read.spki))), "each key once"),
);

const MOST_PEOPLE = 16;
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "a SHA-256 in 64 lower-case hex digits"));

export const GOVERNANCE = table({
  approvals: v.optional(whole(0, MOST_PEOPLE), 1),
  root: v.optional(whole(1, MOST_PEOPLE)),
  advisory_signers: v.optional(whole(1, MOST_PEOPLE), 1),
  accept: v.optional(table({ roster: v.optional(digest), activation: v.optional(digest) }), {}),
});

export const OWNERS = v.pipe(
  v.array(
    table({
      name: v.pipe(
        adminName,
        v.notValue(ROOT_GROUP, "another name: the admins of the configuration are `root`"),
      ),
      paths: v.optional(each(prefix, 64), []),
      modules: v.optional(each(label, 64), []),
      refsets: v.optional(each(label, 256), []),
      approvals: whole(1, MOST_PEOPLE),
    }),
  ),
  v.check(
    (list) => list.length <= 64 && isEachOnce(list.map(({ name }) => name)),
    "at most 64, each `name` once",
  ),
);

/** What the tables `[governance]` and `[[owner]]` say. */
export interface GovernanceConfig {
  readonly approvals: number;
  readonly root?: number;
  readonly advisorySigners: number;
  readonly groups: readonly OwnerGroup[];
  readonly accepts: Governance["accepts"];
}

/** An admin but for the public key. */
export type PersonConfig = Omit<Admin, "spki">;

export function personOf(
  read: v.InferOutput<typeof admin> | v.InferOutput<typeof WORKER_ADMINS>[number],
): PersonConfig {
  const { kid, person = kid, roles, under, owns } = read;
  const named = { kid, person, roles, under, owns };
  if (read.webauthn === undefined) return named;
  const { credential: id, rp_id: rpId, origin } = read.webauthn;
  return { ...named, webauthn: { id, rpId, origin } };
}

export function governanceConfigOf(
  read: v.InferOutput<typeof GOVERNANCE>,
  groups: v.InferOutput<typeof OWNERS>,
): GovernanceConfig {
  const { approvals, root, advisory_signers: advisorySigners, accept } = read;
  const accepts = acceptsOf(accept);
  return { approvals, ...(root === undefined ? {} : { root }), advisorySigners, groups, accepts };
}

function acceptsOf({
  roster,
  activation,
}: {
  readonly roster?: string | undefined;
  readonly activation?: string | undefined;
}) {
  return {
    ...(roster === undefined ? {} : { roster }),
    ...(activation === undefined ? {} : { activation }),
  };
}

/**
 * Joins the admins with what the configuration says of them. Where it says nothing, two people of the root sign changes of the
 * roster as soon as there are two.
 *
 * @throws {@link Fault} `config/invalid` where the root has fewer people than it takes, or one admin alone and groups are both wanted.
 */
export function governanceOf(config: GovernanceConfig, admins: readonly Admin[]): Governance {
  const { approvals, advisorySigners, groups, accepts } = config;
  const people = peopleOf(rootOf({ admins })).length;
  const rootThreshold = config.root ?? Math.min(2, Math.max(1, people));
  if (admins.length > 0 && people < rootThreshold) {
    const sentence = `expected ${rootThreshold} people among the [[admin]] who own \`root\`, received ${people}`;
    throw new Fault("config/invalid", sentence, { "governance.root": sentence });
  }
  if (approvals === 0 && groups.length > 0) {
    const sentence = "expected no [[owner]] where `approvals = 0` lets one admin change policy alone";
    throw new Fault("config/invalid", sentence, { owner: sentence });
  }
  return { admins, groups, approvals, rootThreshold, advisorySigners, accepts };
}
