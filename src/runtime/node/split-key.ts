/** How does `ostiary kek split` put shares into files? Each in a new one that its owner alone can read, in a new folder. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hexOf } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { SplitKeyFile } from "../../cli/kek-shares.ts";
import { readKekFile } from "../../kek/file.ts";
import { keyIdOf } from "../../kek/key.ts";
import { splitKey } from "../../kek/shares.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { nodePrimitives } from "./primitives.ts";

export const splitKeyFile: SplitKeyFile = async ({ file, folder, ...plan }) => {
  const key = await readKekFile(file);
  try {
    const texts = await splitKey(key, plan, nodePrimitives);
    const files = texts.map((_, i) => join(folder, `share-${i + 1}-of-${texts.length}.txt`));
    await written(folder, files, texts);
    return { id: hexOf(keyIdOf(key, nodePrimitives)), files };
  } finally {
    zeroize(key);
  }
};

async function written(folder: string, files: readonly string[], texts: readonly string[]): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    for (const [i, file] of files.entries()) {
      await writeFile(file, `${texts[i] ?? ""}\n`, { flag: "wx", mode: 0o600 }); // in order: few, once
    }
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `expected to make \`${folder}\`, which is not there yet (${reason})`, {
      reason,
    });
  }
}
