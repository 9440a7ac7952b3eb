/** What does a guest's file say to a verb, and what to the daemon? */
import { dirname, resolve } from "node:path";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { AgentFile } from "../../cli/agent-config.ts";
import { type AgentConfig, parseAgentConfig } from "../agent-config.ts";
import { bytesOf } from "./named-files.ts";

/** For verbs. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function agentFile(path: string): Promise<AgentFile> {
  return { path, brokers: (await loadAgentConfig(path)).brokers };
}

/** Relative paths start from the folder of the file. @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function loadAgentConfig(path: string): Promise<AgentConfig> {
  const text = parseUtf8(await bytesOf(path));
  if (text === undefined) throw new Fault("config/invalid", `expected \`${path}\` to be TOML in UTF-8`);
  const folder = dirname(resolve(path));
  return parseAgentConfig(text, (relative) => resolve(folder, relative));
}
