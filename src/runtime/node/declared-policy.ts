/** Which sources are declared to be what is live? Those of the folder that the configuration names, as they are at each look. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { instant } from "../../base/time.ts";
import type { Declared } from "../../posture/policy/drift-sighting.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** Nothing where no folder is named. What reading throws, a scan takes for not being able to look. */
export function declaredOf({ config, at }: Pick<LoadedConfig, "config" | "at">): {
  readonly declared?: () => Promise<Declared>;
} {
  const { declared: named } = config.findings;
  if (named === undefined) return {};
  const folder = at(named);
  return { declared: () => readDeclared(folder) };
}

async function readDeclared(folder: string): Promise<Declared> {
  const { readCheckout } = await import("../../cli/policy/checkout.ts"); // at the first look, not at each start
  const { files } = await readCheckout(folder, {
    digest: nodePrimitives.digest,
    terminal: { readFile: bytesOf },
  });
  const written = [...files.keys()].map((path) => Math.floor(statSync(join(folder, path)).mtimeMs / 1000));
  return { name: folder, files, changedAt: instant(Math.max(0, ...written)) };
}
