/** Which configuration says how findings come about: how often scans look, whose is what, and which certificates are watched? */
import * as v from "valibot";
import { CREDENTIAL_KINDS, type CredentialKind } from "../wire/credential-messages.ts";
import { absent, duration, isEachOnce, path, table } from "./config-fields.ts";

const owner = v.pipe(v.string(), v.regex(/^\P{Cc}{1,200}$/u, "a name of at most 200 characters"));

/** What has an owner: credentials by their kind, the guests, and policy. */
const OWNED = [...CREDENTIAL_KINDS, "guest", "policy"] as const;
type Owned = CredentialKind | "guest" | "policy";

const owners = v.optional(table(Object.fromEntries(OWNED.map((kind) => [kind, v.optional(owner)]))), {});

const MEMBERS = {
  scan_every: v.optional(duration(5, 86_400), "15m"),
  advisory_max_age: v.optional(duration(86_400, 1000 * 86_400), "90d"),
  owner: v.optional(owner),
  owners,
};

export const FINDINGS = table({ ...MEMBERS, declared: v.optional(path) });

export const WORKER_FINDINGS = table({
  ...MEMBERS,
  declared: absent("no `declared`: a Worker has no folder; `ostiary policy drift` compares one"),
});

/** Certificates that this broker's operator depends on as well: authorities of agents, of proxies, of a mirror. */
export const WATCHED = v.pipe(
  v.array(
    table({
      name: v.pipe(v.string(), v.regex(/^[\w.:-]{1,64}$/, "letters, digits, `.`, `_`, `:` and `-`")),
      file: path,
      owner: v.optional(owner),
      breaks: v.optional(v.pipe(v.string(), v.regex(/^\P{Cc}{1,500}$/u, "a sentence"))),
      kind: v.optional(v.picklist(["watched", "agent-ca"]), "watched"),
    }),
  ),
  v.check(
    (list) => list.length <= 100 && isEachOnce(list.map(({ name }) => name)),
    "at most 100, each `name` once",
  ),
);

export interface FindingsConfig {
  readonly scanSeconds: number;
  /** From this age on what is known of AMD's bulletins is old. */
  readonly advisorySeconds: number;
  /** The folder whose sources are declared to be what is live. */
  readonly declared?: string;
  readonly owner: string;
  readonly owners: Readonly<Partial<Record<Owned, string>>>;
}

export interface WatchedConfig {
  readonly name: string;
  readonly file: string;
  readonly owner?: string;
  readonly breaks?: string;
  /** `agent-ca`: agents believe it about this broker's TLS (`tls_ca` of theirs). */
  readonly kind: "watched" | "agent-ca";
}

export function findingsConfigOf(read: v.InferOutput<typeof FINDINGS>): FindingsConfig {
  const given = Object.entries(read.owners).filter(([, name]) => name !== undefined);
  const [scanSeconds, advisorySeconds] = [read.scan_every, read.advisory_max_age];
  const declared = read.declared === undefined ? {} : { declared: read.declared };
  return {
    scanSeconds,
    advisorySeconds,
    ...declared,
    owner: read.owner ?? "",
    owners: Object.fromEntries(given),
  };
}

export function watchedConfigOf(read: v.InferOutput<typeof WATCHED>): readonly WatchedConfig[] {
  return read.map(({ name, file, owner: whose, breaks, kind }) => ({
    name,
    file,
    kind,
    ...(whose === undefined ? {} : { owner: whose }),
    ...(breaks === undefined ? {} : { breaks }),
  }));
}

/** Whose something of a kind is: the kind's own owner, else everybody's. */
export function ownerOf({ owner: whose, owners: of }: FindingsConfig): (kind: Owned) => string {
  return (kind) => of[kind] ?? whose;
}
