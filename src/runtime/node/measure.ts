/** `ostiary measure` on Node: native cryptography, and private keys from PEM files. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import type { Command } from "../../cli/command.ts";
import { createMeasureCommand } from "../../cli/commands/measure.ts";
import { systemNow } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";

const MAX_KEY_BYTES = 16_384;

export function createNodeMeasureCommand(): Command {
  return createMeasureCommand({
    primitives: nodePrimitives,
    now: systemNow,
    readKey: async (path, terminal) => {
      const pem = await terminal.readFile(path, MAX_KEY_BYTES);
      try {
        const key = createPrivateKey(Buffer.from(pem));
        return {
          pkcs8: Uint8Array.from(key.export({ type: "pkcs8", format: "der" })),
          spki: Uint8Array.from(createPublicKey(key).export({ type: "spki", format: "der" })),
        };
      } catch (thrown) {
        throw new Fault(
          "file/unusable",
          `expected a private key in PEM without a password in ${path}`,
          {},
          thrown,
        );
      }
    },
  });
}
