/** Which doors has the daemon? One for each thing that its file names, in the order in which they open; each section's owner adds a line. */
import type { Door } from "../../agent/secret-source.ts";
import type { AgentConfig } from "../agent-config.ts";
import { vaultDoorsOf } from "./vault-doors.ts";

/** @throws {@link Fault} `config/invalid` for what the schema alone could not see. */
export function doorsOf(config: AgentConfig): readonly Door[] {
  return [...vaultDoorsOf(config.vaults)];
}
