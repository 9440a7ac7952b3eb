/** What does `/etc/ostiary/agent.toml` say? One table; each section's members are in a file of their own. */
import * as v from "valibot";
import type { CachePlan } from "../agent/secret-cache.ts";
import type { AgentValues } from "../cli/agent-session.ts";
import { AGENT_BROKER, AGENT_EVIDENCE, brokerValuesOf, evidenceValuesOf } from "./agent-broker-config.ts";
import { AGENT_DISK, type DiskConfig, diskConfigOf } from "./agent-disk-config.ts";
import {
  AGENT_CREDENTIALS,
  AGENT_FILES,
  type CredentialConfig,
  credentialConfigsOf,
  type FileConfig,
  fileConfigsOf,
} from "./agent-places-config.ts";
import {
  AGENT_CACHE,
  AGENT_SERVE,
  cachePlanOf,
  type ServeConfig,
  serveConfigOf,
} from "./agent-serve-config.ts";
import { AGENT_VAULT, type VaultConfig, vaultConfigOf } from "./agent-vault-config.ts";
import { isEachOnce, table } from "./config-fields.ts";
import { parsedToml, readBySchema } from "./toml.ts";

const MAX_BROKERS = 16;
const MAX_DOORS = 64;

const AGENT_CONFIG = table({
  log_level: v.optional(v.picklist(["debug", "info", "warn", "error"]), "info"),
  broker: v.pipe(
    v.array(AGENT_BROKER),
    v.check(
      (list) => list.length >= 1 && list.length <= MAX_BROKERS && isEachOnce(list.map(({ url }) => url)),
      `one [[broker]] at least, ${MAX_BROKERS} at most, each \`url\` once`,
    ),
  ),
  evidence: v.optional(AGENT_EVIDENCE, {}),
  serve: v.optional(AGENT_SERVE, {}),
  cache: v.optional(AGENT_CACHE),
  vault: v.optional(
    v.pipe(
      v.array(AGENT_VAULT),
      v.check((list) => list.length <= MAX_DOORS, `${MAX_DOORS} [[vault]] at most`),
      v.check(
        (list) => isEachOnce(list.map(({ name }) => name)) && isEachOnce(list.map(({ listen }) => listen)),
        "each `name` and each `listen` once",
      ),
    ),
    [],
  ),
  credential: v.optional(AGENT_CREDENTIALS, []),
  file: v.optional(AGENT_FILES, []),
  disk: v.optional(
    v.pipe(
      v.array(AGENT_DISK),
      v.check((list) => isEachOnce(list.map(({ name }) => name)), "each `name` once"),
    ),
    [],
  ),
});

/** What the operator of a guest decides. */
export interface AgentConfig {
  readonly logLevel: "debug" | "info" | "warn" | "error";
  /** As the options of a verb say them: each broker with what stands in `[evidence]`. The first is asked first. */
  readonly brokers: readonly [AgentValues, ...AgentValues[]];
  readonly serve: ServeConfig;
  /** There only where it was asked for. */
  readonly cache?: CachePlan;
  /** Programs that find a Vault here. */
  readonly vaults: readonly VaultConfig[];
  readonly credentials: readonly CredentialConfig[];
  readonly files: readonly FileConfig[];
  /** Volumes that have a key socket. */
  readonly disks: readonly DiskConfig[];
}

/**
 * Reads the configuration.
 *
 * @param at - Makes a path of the file one of this process.
 * @throws {@link Fault} `config/invalid`, whose detail has one member per problem, named by its place.
 */
export function parseAgentConfig(text: string, at: (path: string) => string): AgentConfig {
  const read = readBySchema(AGENT_CONFIG, parsedToml(text));
  const evidence = evidenceValuesOf(read.evidence, at);
  const [first = {}, ...others] = read.broker.map((one) => ({ ...brokerValuesOf(one, at), ...evidence }));
  return {
    logLevel: read.log_level,
    brokers: [first, ...others],
    serve: serveConfigOf(read.serve, at),
    vaults: read.vault.map((one) => vaultConfigOf(one, at)),
    credentials: credentialConfigsOf(read.credential, at),
    files: fileConfigsOf(read.file, at),
    disks: read.disk.map((disk) => diskConfigOf(disk, at)),
    ...(read.cache === undefined ? {} : { cache: cachePlanOf(read.cache) }),
  };
}
