/** What are names in the log salted with? 32 bytes in a file of their own: who deletes it makes the names in the log nobody's. */
import { Fault } from "../../base/fault.ts";
import type { World } from "../../broker/world.ts";
import { chipIdsUnder } from "../../keys/chip-ids.ts";
import { openingOf, parseSalt, pseudonymOf } from "../../ledger/pseudonym.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** Without a salt names stand as they are. @throws {@link Fault} `file/unusable`. */
export async function pseudonymsOf({
  config,
  at,
}: LoadedConfig): Promise<Pick<World, "pseudonym" | "chipIds">> {
  if (config.saltFile === undefined) return {};
  const salt = await saltIn(at(config.saltFile));
  return {
    pseudonym: (name) => pseudonymOf(name, openingOf(name, salt, nodePrimitives), nodePrimitives),
    ...(config.saltsChips ? { chipIds: chipIdsUnder(salt, nodePrimitives) } : {}),
  };
}

/** @throws {@link Fault} `file/unusable` for what is no salt. */
export async function saltIn(path: string): Promise<Uint8Array> {
  const salt = parseSalt(await bytesOf(path));
  if (salt !== undefined) return salt;
  throw new Fault("file/unusable", `expected \`${path}\` to hold a salt: 64 lower-case hex digits`, { path });
}
