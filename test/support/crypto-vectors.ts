/** Where does a test on Node find the text of a vector below `crypto/`? In the shared folder, if it is there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedVectors } from "./shared-vectors.ts";

/** The text of one file below `crypto/`; `undefined` when the shared vectors are not beside this project. */
export function cryptoVector(path: string): string | undefined {
  const file = sharedVectors === undefined ? undefined : join(sharedVectors, "crypto", path);
  return file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : undefined;
}
