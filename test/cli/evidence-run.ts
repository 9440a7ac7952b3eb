/** What does `ostiary evidence` print, over files in memory? */
import { readFile } from "node:fs/promises";
import type { EndorsementSource } from "../../src/broker/world.ts";
import type { Terminal } from "../../src/cli/command.ts";
import { createEvidenceCommand } from "../../src/cli/commands/evidence.ts";
import { NO_SOURCE } from "../../src/kds/no-source.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { SIMULATED_NOW } from "../support/simulated.ts";

/** Runs the verb over files in memory, or on disk where the path is one. */
export async function runEvidence(
  args: readonly string[],
  files: Readonly<Record<string, Uint8Array>> = {},
  { source = NO_SOURCE }: { readonly source?: EndorsementSource } = {},
) {
  const command = createEvidenceCommand({
    primitives: nodePrimitives,
    now: () => SIMULATED_NOW,
    createSource: () => source,
  });
  const printed: string[] = [];
  const terminal: Terminal = {
    out: (text) => void printed.push(text),
    err: () => undefined,
    isTty: false,
    readFile: async (path) => files[path] ?? Uint8Array.from(await readFile(path)),
    writeFile: async () => undefined,
  };
  const status = await command.run(args, terminal);
  return { status, text: printed.join("") };
}
