/** `ostiary evidence` on Node: native cryptography, and AMD's key server where it may be asked. */
import type { Command } from "../../cli/command.ts";
import { createEvidenceCommand } from "../../cli/commands/evidence.ts";
import { systemNow } from "./clock.ts";
import { createNodeKdsSource } from "./kds-source.ts";
import { nodePrimitives } from "./primitives.ts";

const KDS = { isEnabled: true, url: "https://kdsintf.amd.com", timeoutSeconds: 10 };

export function createNodeEvidenceCommand(): Command {
  return createEvidenceCommand({
    primitives: nodePrimitives,
    now: systemNow,
    createSource: () => createNodeKdsSource(KDS),
  });
}
