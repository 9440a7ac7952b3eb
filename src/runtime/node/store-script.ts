/** How does `ostiary store copy` read and write the SQL by which databases of D1 come and go? */
import { open, readFile } from "node:fs/promises";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { openD1Export } from "../../store/d1-export.ts";
import { scriptOf } from "../../store/d1-script.ts";
import type { Readable, SqlDriver } from "../../store/query.ts";

export function isScript(path: string): boolean {
  return path.endsWith(".sql");
}

/** @throws {@link Fault} `file/unusable`, `store/incompatible`. */
export async function openScript(path: string): Promise<SqlDriver> {
  const script = await readFile(path, "utf8").catch((thrown: unknown) => {
    throw unusable(path, thrown);
  });
  return openD1Export(script);
}

/** Writes a new file that its owner alone can read; answers how many statements. @throws {@link Fault} `file/unusable`. */
export async function writeScript(from: Readable, path: string): Promise<number> {
  const file = await open(path, "wx", 0o600).catch((thrown: unknown) => {
    throw unusable(path, thrown);
  });
  let count = 0;
  try {
    for await (const statement of scriptOf(from)) {
      await file.write(`${statement}\n`); // in order: a file
      count += 1;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return count;
}

function unusable(path: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("file/unusable", `\`${path}\` cannot be used (${reason})`, { path, reason });
}
