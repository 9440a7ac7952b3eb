/** What does the Vault surface say of itself? Health, mounts and the token, as five products ask for them. */
import type { JsonObject } from "../../base/canonical-json.ts";
import { authAnswer, dataAnswer, refusal, type VaultAnswer } from "./answer.ts";
import { mountOf, type VaultMount } from "./binding.ts";
import type { VaultRequest } from "./request.ts";

/** As clients read it: a Vault that has key-value engines of version 2. */
const VERSION = "1.15.0+ostiary";

/** What anybody who reaches the listener may ask, without a token. */
export function publicAnswer({ method, path }: VaultRequest): VaultAnswer | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  if (path === "sys/health") return { status: 200, body: { ...SEAL, ...HEALTH } };
  if (path === "sys/init") return { status: 200, body: { initialized: true } };
  return path === "sys/seal-status" ? { status: 200, body: { ...SEAL, ...SHARES } } : undefined;
}

const SEAL = { initialized: true, sealed: false, version: VERSION, cluster_name: "ostiary" } as const;
const HEALTH = { standby: false, performance_standby: false } as const;
const SHARES = { type: "ostiary", t: 1, n: 1, progress: 0 } as const;

/** `undefined` for a path that is no system's. */
export function systemAnswer(
  { method, path }: VaultRequest,
  mounts: readonly VaultMount[],
): VaultAnswer | undefined {
  if (path === "auth/token/lookup-self") return method === "GET" ? dataAnswer(TOKEN) : WRONG_METHOD;
  if (path === "auth/token/renew-self") {
    return method === "POST" || method === "PUT" ? authAnswer(authOf("")) : WRONG_METHOD;
  }
  if (!path.startsWith("sys/")) return undefined;
  return method === "GET" ? readAnswer(path.slice("sys/".length), mounts) : WRONG_METHOD;
}

export const WRONG_METHOD = refusal(405, "vault/wrong-method");
export const NOT_BOUND = refusal(403, "vault/not-bound");

/** A capability of this machine that does not run out: nothing is to be renewed. */
const TOKEN = {
  id: "",
  accessor: "",
  display_name: "ostiary",
  policies: ["ostiary"],
  path: "auth/token/create",
  type: "service",
  ttl: 0,
  creation_ttl: 0,
  expire_time: null,
  renewable: false,
  orphan: true,
  num_uses: 0,
} as const;

export function authOf(token: string): JsonObject {
  return {
    client_token: token,
    accessor: "",
    policies: ["ostiary"],
    token_policies: ["ostiary"],
    metadata: null,
    lease_duration: 0,
    renewable: false,
    token_type: "service",
    orphan: true,
  };
}

function readAnswer(path: string, mounts: readonly VaultMount[]): VaultAnswer {
  if (path === "mounts")
    return both(Object.fromEntries(mounts.map((one) => [`${one.mount}/`, aboutMount(one)])));
  if (path === "internal/ui/mounts") return dataAnswer({ auth: {}, secret: allMounts(mounts) });
  if (path === "internal/specs/openapi") return { status: 200, body: openApiOf(mounts) };
  const tuned = /^mounts\/(.+)\/tune$/.exec(path)?.[1];
  if (tuned !== undefined) return aboutPath(tuned, mounts, tuneOf);
  const mount = /^mounts\/(.+)$/.exec(path)?.[1];
  if (mount !== undefined) return aboutPath(mount, mounts, aboutMount);
  const shown = /^internal\/ui\/mounts\/(.+)$/.exec(path)?.[1];
  return shown === undefined ? NOT_BOUND : aboutPath(shown, mounts, aboutMount);
}

function allMounts(mounts: readonly VaultMount[]): JsonObject {
  return Object.fromEntries(mounts.map((one) => [`${one.mount}/`, aboutMount(one)]));
}

/** Any path that lies in a mount, or above one: a program may think its own path the mount. */
function aboutPath(
  path: string,
  mounts: readonly VaultMount[],
  about: (mount: VaultMount) => JsonObject,
): VaultAnswer {
  const mount = mountOf(mounts, path)?.mount ?? mounts.find((one) => one.mount.startsWith(`${path}/`));
  return mount === undefined ? NOT_BOUND : both(about(mount));
}

/** At the top and under `data`: MariaDB reads the one, everybody else the other. */
function both(about: JsonObject): VaultAnswer {
  return dataAnswer(about, about);
}

function tuneOf({ kind }: VaultMount): JsonObject {
  return {
    ...(kind === "kv" ? { options: { version: "2" } } : { options: null }),
    default_lease_ttl: 2_764_800,
    max_lease_ttl: 2_764_800,
    force_no_cache: false,
    description: "",
  };
}

function aboutMount(mount: VaultMount): JsonObject {
  return {
    type: mount.kind,
    path: `${mount.mount}/`,
    options: mount.kind === "kv" ? { version: "2" } : null,
    accessor: "",
    description: "",
    local: true,
    seal_wrap: false,
    uuid: "",
    config: { default_lease_ttl: 0, max_lease_ttl: 0, force_no_cache: false },
  };
}

/** As much as a client needs to find an engine of version 2: the paths of each mount. */
function openApiOf(mounts: readonly VaultMount[]): JsonObject {
  const kv = ["config", "data/{path}", "metadata/{path}"];
  const transit = ["encrypt/{name}", "decrypt/{name}", "datakey/{plaintext}/{name}"];
  const paths = mounts.flatMap(({ kind, mount }) =>
    (kind === "kv" ? kv : transit).map((rest) => [`/${mount}/${rest}`, {}] as const),
  );
  return {
    openapi: "3.0.2",
    info: { title: "Ostiary's Vault surface", version: VERSION, description: "" },
    paths: Object.fromEntries(paths),
  };
}
