/** Which keys does the configuration name as root, and how are they opened? */
import { env } from "node:process";
import { Fault } from "../../base/fault.ts";
import type { Kek, Seal } from "../../broker/world.ts";
import { openKekCredential, openKekFile } from "../../kek/file.ts";
import type { KekParts } from "../../kek/key.ts";
import { kekRing } from "../../kek/ring.ts";
import { createSealedKek } from "../../kek/sealed.ts";
import { openKekVariable } from "../../kek/variable.ts";
import type { KekPlace } from "../kek-config.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** What a key that this process holds itself needs of Node. */
export const nodeKekParts: KekParts = { hmac: nodePrimitives.hmac, random: systemRandom };

/** The root key, and where people bring it in shares what keeps it closed until they have. */
export interface OpenedKek {
  readonly kek: Kek;
  readonly seal?: Seal;
}

/** @throws {@link Fault} `kek/unavailable`. */
export async function openKek({ config: { kek }, at }: LoadedConfig): Promise<OpenedKek> {
  const { wraps } = kek;
  const first: OpenedKek =
    wraps.kind === "shares"
      ? createSealedKek(wraps.id, { ...nodeKekParts, digest: nodePrimitives.digest, now: systemNow })
      : { kek: await openPlace(wraps, at) };
  if (kek.also.length === 0) return first;
  const others: Kek[] = [];
  for (const place of kek.also) others.push(await openPlace(place, at)); // at most four, once
  return { ...first, kek: kekRing(first.kek, others) };
}

async function openPlace(place: KekPlace, at: LoadedConfig["at"]): Promise<Kek> {
  switch (place.kind) {
    case "file":
      return openKekFile(at(place.path), nodeKekParts);
    case "credential":
      return openKekCredential(place.name, env["CREDENTIALS_DIRECTORY"], nodeKekParts);
    case "environment":
      return openKekVariable(place.name, env, nodeKekParts);
    case "shares":
      throw new Fault("config/invalid", "expected shares for the key that wraps, and for no other");
  }
}
