/** Which keys does the configuration name as root, and how are they opened? */
import { env } from "node:process";
import { Fault } from "../../base/fault.ts";
import type { Kek, Seal } from "../../broker/world.ts";
import { openKekCredential, openKekFile } from "../../kek/file.ts";
import type { KekParts } from "../../kek/key.ts";
import { readPin } from "../../kek/pin.ts";
import { kekRing } from "../../kek/ring.ts";
import { createSealedKek } from "../../kek/sealed.ts";
import { openKekVariable } from "../../kek/variable.ts";
import type { KekPlace, TokenConfig } from "../kek-config.ts";
import { systemNow, systemRandom } from "./clock.ts";
import type { AskingParts } from "./peer-kek.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";
import { withTpm } from "./tpm.ts";

/** What a key that this process holds itself needs of Node. */
export const nodeKekParts: KekParts = { hmac: nodePrimitives.hmac, random: systemRandom };

/** What a key in a device needs of Node: native code is loaded where a configuration names one, and nowhere else. */
export const deviceParts = { ...nodeKekParts, digest: nodePrimitives.digest, withTpm };

/** The root key, and where people bring it in shares what keeps it closed until they have. */
export interface OpenedKek {
  readonly kek: Kek;
  readonly seal?: Seal;
}

/** @throws {@link Fault} `kek/unavailable`; of a TPM `tpm/…`. */
export async function openKek(loaded: LoadedConfig, asking: AskingParts = {}): Promise<OpenedKek> {
  const { kek } = loaded.config;
  const { wraps } = kek;
  const open = openerOf(loaded, asking);
  const first: OpenedKek =
    wraps.kind === "shares"
      ? createSealedKek(wraps.id, { ...nodeKekParts, digest: nodePrimitives.digest, now: systemNow })
      : { kek: await open(wraps) };
  if (kek.also.length === 0) return first;
  const others: Kek[] = [];
  for (const place of kek.also) others.push(await open(place)); // at most four, once
  return { ...first, kek: kekRing(first.kek, others) };
}

/** Opens one place after the other. A PIN in a variable is read once, though several keys may lie in its token. */
function openerOf(loaded: LoadedConfig, asking: AskingParts): (place: KekPlace) => Promise<Kek> {
  const { at } = loaded;
  const pins = new Map<string, Uint8Array>();
  const pinOf = async (place: TokenConfig["pin"]): Promise<Uint8Array> => {
    const own = place.kind === "file" ? { ...place, path: at(place.path) } : place;
    const name = JSON.stringify(own);
    const pin = pins.get(name) ?? (await readPin(own, env));
    pins.set(name, pin);
    return pin;
  };
  return async (place) => {
    switch (place.kind) {
      case "file":
        return openKekFile(at(place.path), nodeKekParts);
      case "credential":
        return openKekCredential(place.name, env["CREDENTIALS_DIRECTORY"], nodeKekParts);
      case "environment":
        return openKekVariable(place.name, env, nodeKekParts);
      case "pkcs11": {
        const { openPkcs11Kek } = await import("../../kek/pkcs11/open.ts");
        return openPkcs11Kek({ ...place, pin: await pinOf(place.pin) }, deviceParts);
      }
      case "tpm": {
        const { openTpmKek } = await import("../../kek/tpm/open.ts");
        return openTpmKek({ device: place.device, sealed: at(place.sealed) }, deviceParts);
      }
      case "peer": {
        const { openPeerKek } = await import("./peer-kek.ts"); // the guest's side, which no other broker needs
        return openPeerKek(place, loaded, { ...nodeKekParts, ...asking });
      }
      case "shares":
        throw new Fault("config/invalid", "expected shares for the key that wraps, and for no other");
    }
  };
}
