/** Which programs find a Vault in the daemon, where, and what do they see there? `[[vault]]`. */
import * as v from "valibot";
import type { KvMount, TransitMount, ValueForm, VaultMount } from "../agent/vault/binding.ts";
import type { DoorPlace } from "../agent/vault/door.ts";
import { isSecretPath } from "../wire/resource-path.ts";
import { type NamedRights, RIGHTS, rightsOf } from "./agent-places-config.ts";
import { isEachOnce, path, table } from "./config-fields.ts";

/** A port of this machine; a name would have to be looked up. */
const LOOPBACK = /^(127\.0\.0\.1|\[::1\]):([1-9]\d{0,4})$/;

const place = v.pipe(
  v.string(),
  v.check(
    (text) => LOOPBACK.test(text) || /^\/\P{Cc}{1,100}$/u.test(text),
    "a port of this machine as 127.0.0.1:8200, or the path of a socket",
  ),
);

const secretPath = v.pipe(v.string(), v.check(isSecretPath, "a path of secrets"));
const mount = v.pipe(
  v.string(),
  v.check(
    (text) =>
      isSecretPath(text) &&
      !/^(sys|auth)(\/|$)/.test(text) &&
      !/(^|\/)(data|metadata|config)(\/|$)/.test(text),
    "the path of a mount, of which no segment is `data`, `metadata` or `config`, and that is neither `sys` nor `auth`",
  ),
);

const ENCODINGS = ["hex", "base64", "text", "json"] as const;

const KV = v.pipe(
  table({
    mount,
    path: secretPath,
    encoding: v.picklist(ENCODINGS),
    field: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,64}$/, "the name of a member"))),
    write: v.optional(v.boolean(), false),
  }),
  v.check(
    ({ encoding, field }) => (encoding === "json") === (field === undefined),
    "`field` for every encoding but json",
  ),
);

const TRANSIT = table({ mount, path: secretPath });

export const AGENT_VAULT = v.pipe(
  table({
    name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a name in small letters, digits and `-`")),
    listen: place,
    /** No TLS on the loopback: said, and never guessed. */
    plain_http: v.optional(v.boolean(), false),
    ca_file: v.optional(path),
    token_file: v.optional(path),
    ...RIGHTS,
    kv: v.optional(v.array(KV), []),
    transit: v.optional(v.array(TRANSIT), []),
  }),
  v.check(({ listen, mode }) => mode === undefined || listen.startsWith("/"), "`mode` for a socket"),
  v.check(
    ({ listen, plain_http, ca_file }) => listen.startsWith("/") === (!plain_http && ca_file === undefined),
    "for a port `ca_file`, or `plain_http = true`; for a socket neither",
  ),
  v.check(
    ({ plain_http, ca_file }) => !plain_http || ca_file === undefined,
    "`ca_file` or `plain_http = true`, not both",
  ),
  v.check(
    ({ listen, token_file }) => listen.startsWith("/") || token_file !== undefined,
    "`token_file` for a port: whoever runs here reaches it",
  ),
  v.check(
    ({ kv, transit }) => kv.length + transit.length > 0,
    "one [[vault.kv]] or [[vault.transit]] at least",
  ),
  v.check(({ kv, transit }) => isEachOnce([...kv, ...transit].map((one) => one.mount)), "each mount once"),
);

/** One program, as its door has it; accounts are yet to be looked up. */
export interface VaultConfig {
  readonly name: string;
  readonly place: DoorPlace;
  readonly tokenFile?: string;
  readonly rights: NamedRights;
  readonly mounts: readonly VaultMount[];
}

export function vaultConfigOf(
  read: v.InferOutput<typeof AGENT_VAULT>,
  at: (path: string) => string,
): VaultConfig {
  const { name, token_file: token } = read;
  return {
    name,
    place: placeOf(read, at),
    rights: rightsOf(read),
    mounts: [...read.kv.map(kvOf), ...read.transit.map((one): TransitMount => ({ kind: "transit", ...one }))],
    ...(token === undefined ? {} : { tokenFile: at(token) }),
  };
}

function placeOf(
  { listen, ca_file: ca }: v.InferOutput<typeof AGENT_VAULT>,
  at: (path: string) => string,
): DoorPlace {
  const [, host, port] = LOOPBACK.exec(listen) ?? [];
  if (host === undefined) return { socket: at(listen) };
  const authorityFile = ca === undefined ? undefined : at(ca);
  return { host: host.replace(/[[\]]/g, ""), port: Number(port), authorityFile };
}

function kvOf({ mount: name, path: below, encoding, field, write }: v.InferOutput<typeof KV>): KvMount {
  const form: ValueForm =
    encoding === "json" || field === undefined ? { encoding: "json" } : { field, encoding };
  return { kind: "kv", mount: name, path: below, form, isWritable: write };
}
