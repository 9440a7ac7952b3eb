/** How does a program read and write secrets as in a key-value engine of version 2? By the one source of the daemon, past no policy. */
import type { JsonObject, JsonValue } from "../../base/canonical-json.ts";
import { isFault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { MAX_WRITTEN_VERSIONS } from "../../wire/limits.ts";
import { isSecretPath } from "../../wire/resource-path.ts";
import type { HeldSecret, SecretSource } from "../secret-source.ts";
import { ABSENT, dataAnswer, type VaultAnswer } from "./answer.ts";
import type { KvMount } from "./binding.ts";
import { INDEX_NAME, namesIn, readIndex, setInIndex } from "./key-index.ts";
import { bodyOf, type VaultRequest } from "./request.ts";
import { NOT_BOUND, WRONG_METHOD } from "./system.ts";
import { bytesOfData, dataOf, otherForm } from "./value.ts";

/** A request within a mount; `rest` is what stands behind the mount. */
export interface KvRequest {
  readonly request: VaultRequest;
  readonly mount: KvMount;
  readonly rest: string;
}

/** @throws {@link Fault} as {@link SecretSource}, `vault/other-form`. */
export async function kvAnswer(asked: KvRequest, source: SecretSource): Promise<VaultAnswer> {
  const [, engine = "", key = ""] = /^([a-z]+)(?:\/(.+))?$/.exec(asked.rest) ?? [];
  if (engine === "config" && key === "") return configAnswer(asked);
  if (engine === "metadata") return metadataAnswer(asked, key, source);
  if (engine !== "data" || !isKey(key, asked.mount)) return NOT_BOUND;
  switch (asked.request.method) {
    case "GET":
      return readAnswer(asked, key, source);
    case "POST":
    case "PUT":
      return writeAnswer(asked, key, source);
    case "DELETE":
      return deleteAnswer(asked, key, source);
    default:
      return WRONG_METHOD;
  }
}

/** What names a secret at the broker, and is not the agent's own. */
function isKey(key: string, mount: KvMount): boolean {
  return key !== INDEX_NAME && !key.startsWith(`${INDEX_NAME}/`) && isSecretPath(pathOf(mount, key));
}

function pathOf({ path }: KvMount, key: string): string {
  return `${path}/${key}`;
}

const CONFIG = {
  max_versions: MAX_WRITTEN_VERSIONS,
  cas_required: false,
  delete_version_after: "0s",
} as const;

function configAnswer({ request }: KvRequest): VaultAnswer {
  return request.method === "GET" ? dataAnswer(CONFIG) : NOT_BOUND;
}

// ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────

async function readAnswer(
  { request, mount }: KvRequest,
  key: string,
  source: SecretSource,
): Promise<VaultAnswer> {
  const version = versionOf(request.query);
  const [held, deleted] = await Promise.all([
    source.read(pathOf(mount, key), version),
    deletedUpTo(mount, key, source),
  ]);
  try {
    if (held.version <= deleted) return deletedAnswer(held.version);
    return dataAnswer({ data: dataOf(held.secret, mount.form), metadata: metadataOf(held.version) });
  } finally {
    held.secret.fill(0);
  }
}

/** 0 is the newest, as in Vault. */
function versionOf(query: URLSearchParams): number | undefined {
  const text = query.get("version");
  if (text === null || text === "0" || text === "") return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw otherForm("`version` as a whole number");
}

async function deletedUpTo(mount: KvMount, key: string, source: SecretSource): Promise<number> {
  return mount.isWritable ? ((await readIndex(source, mount.path)).get(key) ?? 0) : 0;
}

/** When a version was made, the broker tells no guest. */
const UNKNOWN_TIME = "1970-01-01T00:00:00Z";

function metadataOf(version: number): JsonObject {
  return {
    created_time: UNKNOWN_TIME,
    custom_metadata: null,
    deletion_time: "",
    destroyed: false,
    version,
  };
}

/** As Vault says it: there is a version, and its data is gone. */
function deletedAnswer(version: number): VaultAnswer {
  const metadata = { ...metadataOf(version), deletion_time: UNKNOWN_TIME };
  return { ...dataAnswer({ data: null, metadata }), status: 404 };
}

// ── metadata ────────────────────────────────────────────────────────────────────────────────────────────────────────

function metadataAnswer(
  { request, mount }: KvRequest,
  key: string,
  source: SecretSource,
): Promise<VaultAnswer> {
  const { method, query } = request;
  const isList = method === "LIST" || (method === "GET" && query.get("list") === "true");
  if (isList) return listAnswer(mount, key, source);
  return Promise.resolve(
    method === "GET" && isKey(key, mount) ? aboutAnswer(mount, key, source) : NOT_BOUND, // destroying is an admin's
  );
}

/** Only what a program may write has a list. */
async function listAnswer(mount: KvMount, folder: string, source: SecretSource): Promise<VaultAnswer> {
  if (!mount.isWritable) return NOT_BOUND;
  const keys = namesIn(await readIndex(source, mount.path), folder);
  return keys.length === 0 ? ABSENT : dataAnswer({ keys });
}

/** As many as are told one by one. */
const TOLD = 100;

async function aboutAnswer(mount: KvMount, key: string, source: SecretSource): Promise<VaultAnswer> {
  const [held, deleted] = await Promise.all([
    source.read(pathOf(mount, key)),
    deletedUpTo(mount, key, source),
  ]);
  held.secret.fill(0);
  return dataAnswer(aboutOf(held, deleted));
}

function aboutOf({ version: newest }: HeldSecret, deleted: number): JsonObject {
  const first = Math.max(1, newest - TOLD + 1);
  const numbers = Array.from({ length: newest - first + 1 }, (_, i) => first + i);
  const about = (version: number): JsonObject => ({
    created_time: UNKNOWN_TIME,
    deletion_time: version <= deleted ? UNKNOWN_TIME : "",
    destroyed: false,
  });
  return {
    ...CONFIG,
    current_version: newest,
    oldest_version: 0,
    created_time: UNKNOWN_TIME,
    updated_time: UNKNOWN_TIME,
    custom_metadata: null,
    versions: Object.fromEntries(numbers.map((version) => [String(version), about(version)])),
  };
}

// ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The name goes into the list first: a key that is not listed would be lost to a program that lists. */
async function writeAnswer(
  { request, mount }: KvRequest,
  key: string,
  source: SecretSource,
): Promise<VaultAnswer> {
  if (!mount.isWritable) return NOT_BOUND;
  const body = bodyOf(request);
  const cas = casOf(body["options"]);
  const secret = bytesOfData(body["data"], mount.form);
  try {
    if (secret.length === 0) throw otherForm("a value of one byte at least");
    await setInIndex(source, mount.path, { name: key, deleted: undefined });
    const { version } = await written(pathOf(mount, key), { secret, cas }, source);
    return dataAnswer(metadataOf(version));
  } finally {
    secret.fill(0);
    request.body.fill(0);
  }
}

interface Write {
  readonly secret: Uint8Array;
  readonly cas: number | undefined;
}

const WRITE_TRIES = 4;

/** Whoever expects no version writes after whoever was first. */
async function written(
  path: string,
  { secret, cas }: Write,
  source: SecretSource,
): Promise<{ readonly version: number }> {
  for (let left = WRITE_TRIES; ; left -= 1) {
    try {
      return await source.write(path, secret, cas); // in order: after whoever was first
    } catch (thrown) {
      if (cas !== undefined || left <= 1 || !isFault(thrown, "secret/other-version")) throw thrown;
    }
  }
}

function casOf(options: JsonValue | undefined): number | undefined {
  if (options === undefined || options === null) return undefined;
  const cas = isJsonObject(options) ? options["cas"] : undefined;
  if (cas === undefined) return undefined;
  if (typeof cas === "number" && Number.isSafeInteger(cas) && cas >= 0) return cas;
  throw otherForm("`options.cas` as a whole number");
}

/** Soft: the broker keeps every version, and the list says what this program sees no longer. */
async function deleteAnswer({ mount }: KvRequest, key: string, source: SecretSource): Promise<VaultAnswer> {
  if (!mount.isWritable) return NOT_BOUND;
  try {
    const held = await source.read(pathOf(mount, key));
    held.secret.fill(0);
    await setInIndex(source, mount.path, { name: key, deleted: held.version });
  } catch (thrown) {
    if (!isFault(thrown, "secret/absent")) throw thrown; // Vault deletes what is not there without a word
  }
  return { status: 204 };
}
