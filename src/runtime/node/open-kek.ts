/** Which keys does the configuration name as root, and how are they opened? */
import { env } from "node:process";
import type { Kek } from "../../broker/world.ts";
import { openKekCredential, openKekFile } from "../../kek/file.ts";
import type { KekParts } from "../../kek/key.ts";
import { kekRing } from "../../kek/ring.ts";
import { openKekVariable } from "../../kek/variable.ts";
import type { KekPlace } from "../kek-config.ts";
import { systemRandom } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** What a key that this process holds itself needs of Node. */
export const nodeKekParts: KekParts = { hmac: nodePrimitives.hmac, random: systemRandom };

/** @throws {@link Fault} `kek/unavailable`. */
export async function openKek({ config: { kek }, at }: LoadedConfig): Promise<Kek> {
  const wraps = await openPlace(kek.wraps, at);
  if (kek.also.length === 0) return wraps;
  const others: Kek[] = [];
  for (const place of kek.also) others.push(await openPlace(place, at)); // at most four, once
  return kekRing(wraps, others);
}

async function openPlace(place: KekPlace, at: LoadedConfig["at"]): Promise<Kek> {
  switch (place.kind) {
    case "file":
      return openKekFile(at(place.path), nodeKekParts);
    case "credential":
      return openKekCredential(place.name, env["CREDENTIALS_DIRECTORY"], nodeKekParts);
    case "environment":
      return openKekVariable(place.name, env, nodeKekParts);
  }
}
