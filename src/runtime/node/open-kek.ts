/** Which provider of the key-encryption key does the configuration name, and how is it opened? */
import { env } from "node:process";
import type { Kek } from "../../broker/world.ts";
import { openKekCredential, openKekFile } from "../../kek/file.ts";
import { openKekVariable } from "../../kek/variable.ts";
import { nodePrimitives } from "./primitives.ts";
import type { LoadedConfig } from "./settings.ts";

/** @throws {@link Fault} `kek/unavailable`. */
export async function openKek({ config: { kek }, at }: LoadedConfig): Promise<Kek> {
  switch (kek.kind) {
    case "file":
      return openKekFile(at(kek.path), nodePrimitives);
    case "credential":
      return openKekCredential(kek.name, env["CREDENTIALS_DIRECTORY"], nodePrimitives);
    case "environment":
      return openKekVariable(kek.name, env, nodePrimitives);
  }
}
