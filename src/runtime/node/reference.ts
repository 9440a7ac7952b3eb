/** `ostiary reference` on Node: native cryptography, and keys from PEM files. */
import type { Command } from "../../cli/command.ts";
import { createReferenceCommand } from "../../cli/commands/reference.ts";
import { systemNow } from "./clock.ts";
import { readPrivateKey, readPublicKey } from "./pem-keys.ts";
import { nodePrimitives } from "./primitives.ts";

export function createNodeReferenceCommand(): Command {
  return createReferenceCommand({
    primitives: nodePrimitives,
    now: systemNow,
    readKey: readPrivateKey,
    readPublicKey,
  });
}
