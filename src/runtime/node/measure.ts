/** `ostiary measure` on Node: native cryptography, and private keys from PEM files. */
import type { Command } from "../../cli/command.ts";
import { createMeasureCommand } from "../../cli/commands/measure.ts";
import { systemNow } from "./clock.ts";
import { readPrivateKey } from "./pem-keys.ts";
import { nodePrimitives } from "./primitives.ts";

export function createNodeMeasureCommand(): Command {
  return createMeasureCommand({ primitives: nodePrimitives, now: systemNow, readKey: readPrivateKey });
}
