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
import type { AskingParts } from "./peer-kek.ts";
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
export async function openKek(loaded: LoadedConfig, asking: AskingParts = {}): Promise<OpenedKek> {
  const { kek } = loaded.config;
  const { wraps } = kek;
  const open = (place: KekPlace) => openPlace(place, loaded, asking);
  const first: OpenedKek =
    wraps.kind === "shares"
      ? createSealedKek(wraps.id, { ...nodeKekParts, digest: nodePrimitives.digest, now: systemNow })
      : { kek: await open(wraps) };
  if (kek.also.length === 0) return first;
  const others: Kek[] = [];
  for (const place of kek.also) others.push(await open(place)); // at most four, once
  return { ...first, kek: kekRing(first.kek, others) };
}

async function openPlace(place: KekPlace, loaded: LoadedConfig, asking: AskingParts): Promise<Kek> {
  switch (place.kind) {
    case "file":
      return openKekFile(loaded.at(place.path), nodeKekParts);
    case "credential":
      return openKekCredential(place.name, env["CREDENTIALS_DIRECTORY"], nodeKekParts);
    case "environment":
      return openKekVariable(place.name, env, nodeKekParts);
    case "peer": {
      const { openPeerKek } = await import("./peer-kek.ts"); // the guest's side, which no other broker needs
      return openPeerKek(place, loaded, { ...nodeKekParts, ...asking });
    }
    case "shares":
      throw new Fault("config/invalid", "expected shares for the key that wraps, and for no other");
  }
}
