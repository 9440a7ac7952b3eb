/** `ostiary writ` on Node: native digests, nothing else. */
import type { Command } from "../../cli/command.ts";
import { createWritCommand } from "../../cli/commands/writ.ts";
import { nodePrimitives } from "./primitives.ts";

export function createNodeWritCommand(): Command {
  return createWritCommand({ primitives: nodePrimitives });
}
