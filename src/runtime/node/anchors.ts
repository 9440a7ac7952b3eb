/** What stands apart from the database, so that an older one is noticed? The anchors that the configuration names. */
import { createHeadFile } from "./head-file.ts";
import type { MovableAnchor } from "./movable-anchor.ts";
import type { LoadedConfig } from "./settings.ts";

/** None where the configuration names none: then nobody notices. */
export function anchorsOf({ config, at }: LoadedConfig): readonly MovableAnchor[] {
  const { headFile } = config;
  return headFile === undefined ? [] : [createHeadFile(at(headFile))];
}
