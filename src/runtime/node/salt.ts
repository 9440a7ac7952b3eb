/** What are names in the log salted with? 32 bytes in a file of their own: who deletes it makes the names in the log nobody's. */
import { parseHex, parseUtf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { World } from "../../broker/world.ts";
import { openingOf, pseudonymOf, SALT_SIZE } from "../../ledger/pseudonym.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** Without a salt names stand as they are. @throws {@link Fault} `file/unusable`. */
export async function pseudonymsOf({ config, at }: LoadedConfig): Promise<World["pseudonym"]> {
  if (config.saltFile === undefined) return undefined;
  const salt = await saltIn(at(config.saltFile));
  return (name) => pseudonymOf(name, openingOf(name, salt, nodePrimitives), nodePrimitives);
}

/** @throws {@link Fault} `file/unusable` for what is no salt. */
export async function saltIn(path: string): Promise<Uint8Array> {
  const text = parseUtf8(await bytesOf(path))?.trim() ?? "";
  const salt = text.length === 2 * SALT_SIZE ? parseHex(text) : undefined;
  if (salt !== undefined) return salt;
  throw new Fault("file/unusable", `expected \`${path}\` to hold a salt: 64 lower-case hex digits`, { path });
}
