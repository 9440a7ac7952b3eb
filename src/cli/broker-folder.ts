/** Where is the configuration of the broker that a verb is about? In its data folder, or where the words say. */
import { join } from "node:path";

/** The data folder, unless another is named. */
export const DEFAULT_FOLDER = "ostiary-data";

const CONFIG_FILE = "ostiary.toml";

/** For `parseArguments`. */
export const FOLDER_OPTIONS = { data: { type: "string" }, config: { type: "string" } } as const;

/** The configuration itself, or the one in the data folder. */
export function configPathOf(values: { readonly data?: string; readonly config?: string }): string {
  return values.config ?? join(values.data ?? DEFAULT_FOLDER, CONFIG_FILE);
}
