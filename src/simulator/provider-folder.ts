/** Where does a simulated cloud live between processes? In a folder: its keys, and the roots that a demo broker may be told. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pemOf, pkcs8, replace, writeOnce } from "./chip-folder.ts";
import {
  createSimulatedProvider,
  generateProviderKeys,
  type ProviderKeys,
  type SimulatedProvider,
} from "./provider-root.ts";

/** The files that `[providers]` of a broker's configuration takes. */
export const PROVIDER_FILES = {
  firmware: "google-firmware-root.pem",
  hostVtpm: "host-vtpm-root.pem",
} as const;

/** The cloud of `folder`; where there is none it is made. */
export function loadOrCreateProvider(folder: string): SimulatedProvider {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "provider.json");
  if (!existsSync(path)) writeOnce(path, keysText(generateProviderKeys()));
  const provider = createSimulatedProvider(readKeys(path));
  replace(join(folder, PROVIDER_FILES.firmware), pemOf(provider.firmwareRoot));
  replace(join(folder, PROVIDER_FILES.hostVtpm), pemOf(provider.akRoot) + pemOf(provider.akIntermediate));
  return provider;
}

const NAMES = ["firmwareRoot", "firmwareSigner", "akRoot", "akIntermediate"] as const;

function keysText(keys: ProviderKeys): string {
  return JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, pkcs8(keys[name])])));
}

function readKeys(path: string): ProviderKeys {
  const kept: unknown = JSON.parse(readFileSync(path, "utf8"));
  const key = (name: (typeof NAMES)[number]): KeyObject => {
    const pem = typeof kept === "object" && kept !== null ? Reflect.get(kept, name) : undefined;
    if (typeof pem !== "string") throw new Error(`no ${name} in ${path}`);
    return createPrivateKey(pem);
  };
  return {
    firmwareRoot: key("firmwareRoot"),
    firmwareSigner: key("firmwareSigner"),
    akRoot: key("akRoot"),
    akIntermediate: key("akIntermediate"),
  };
}
