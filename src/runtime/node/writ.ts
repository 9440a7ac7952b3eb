/** `ostiary writ` on Node: native digests and the machine's clock. */
import type { Command } from "../../cli/command.ts";
import { createWritCommand } from "../../cli/commands/writ.ts";
import { nodePrimitives } from "./primitives.ts";

export function createNodeWritCommand(): Command {
  return createWritCommand({ primitives: nodePrimitives, now: () => Math.floor(Date.now() / 1000) });
}
