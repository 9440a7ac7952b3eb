/** What keeps heads on this machine apart from the database, so that an older one is noticed? What the configuration names. */
import type { Signer } from "../../base/primitives.ts";
import { createCounterKeeper } from "../../broker/counter-keeper.ts";
import type { Store } from "../../broker/store.ts";
import type { TpmCounterConfig } from "../config.ts";
import { createHeadFile } from "./head-file.ts";
import type { MovableKeeper } from "./movable-keeper.ts";
import { deviceParts } from "./open-kek.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** What a keeper needs that keeps a part of itself in the database. */
interface KeeperParts {
  readonly store: Pick<Store, "meta" | "putMeta">;
  readonly ledgerSigner: Signer;
}

/** None where the configuration names none: then nobody notices. */
export async function keepersOf(
  { config, at }: LoadedConfig,
  parts: KeeperParts,
): Promise<readonly MovableKeeper[]> {
  const { headFile, tpmCounter, audience } = config;
  const files = headFile === undefined ? [] : [createHeadFile(at(headFile))];
  return tpmCounter === undefined ? files : [...files, await counterOf(tpmCounter, { ...parts, audience })];
}

/** Loaded only where it is configured. */
async function counterOf(
  { device, index, everyMinutes }: TpmCounterConfig,
  parts: KeeperParts & { readonly audience: string },
): Promise<MovableKeeper> {
  const { createCounter, incrementCounter, readCounter, removeCounter } = await import(
    "../../kek/tpm/nv-counter.ts"
  );
  const place = { device, index };
  const name = `tpm-counter-0x${index.toString(16).padStart(8, "0")}`;
  const keeper = createCounterKeeper({
    ...parts,
    counter: {
      read: () => readCounter(place, deviceParts),
      create: () => createCounter(place, deviceParts),
      increment: () => incrementCounter(place, deviceParts),
      remove: () => removeCounter(place, deviceParts),
    },
    name,
    primitives: nodePrimitives,
    milliseconds: () => performance.now(),
    everyMinutes,
  });
  return { ...keeper, name, lost: async () => undefined }; // a number, and no head
}
