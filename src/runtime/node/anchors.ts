/** What stands apart from the database, so that an older one is noticed? The anchors that the configuration names. */
import type { Signer } from "../../base/primitives.ts";
import { createCounterAnchor } from "../../broker/counter-anchor.ts";
import type { Store } from "../../broker/store.ts";
import type { TpmCounterConfig } from "../config.ts";
import { createHeadFile } from "./head-file.ts";
import type { MovableAnchor } from "./movable-anchor.ts";
import { deviceParts } from "./open-kek.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** What an anchor needs that keeps a part of itself in the database. */
export interface AnchorParts {
  readonly store: Pick<Store, "meta" | "putMeta">;
  readonly ledgerSigner: Signer;
}

/** None where the configuration names none: then nobody notices. */
export async function anchorsOf(
  { config, at }: LoadedConfig,
  parts: AnchorParts,
): Promise<readonly MovableAnchor[]> {
  const { headFile, tpmCounter, audience } = config;
  const files = headFile === undefined ? [] : [createHeadFile(at(headFile))];
  return tpmCounter === undefined ? files : [...files, await counterOf(tpmCounter, { ...parts, audience })];
}

/** Loaded only where it is configured. */
async function counterOf(
  { device, index, everyMinutes }: TpmCounterConfig,
  parts: AnchorParts & { readonly audience: string },
): Promise<MovableAnchor> {
  const { createCounter, incrementCounter, readCounter, removeCounter } = await import(
    "../../kek/tpm/nv-counter.ts"
  );
  const place = { device, index };
  const anchor = createCounterAnchor({
    ...parts,
    counter: {
      read: () => readCounter(place, deviceParts),
      create: () => createCounter(place, deviceParts),
      increment: () => incrementCounter(place, deviceParts),
      remove: () => removeCounter(place),
    },
    name: `tpm-counter-0x${index.toString(16).padStart(8, "0")}`,
    primitives: nodePrimitives,
    milliseconds: () => performance.now(),
    everyMinutes,
  });
  return { ...anchor, lost: async () => undefined }; // a number, and no head
}
