/** What is in a file that somebody named? Bytes, or the text of a PEM file. */
import { readFile } from "node:fs/promises";
import { parseUtf8 } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";

/** @throws {@link Fault} `file/unusable`. */
export async function pemOf(path: string): Promise<string> {
  return parseUtf8(await bytesOf(path)) ?? "";
}

/** @throws {@link Fault} `file/unusable`. */
export async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return Uint8Array.from(await readFile(path));
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${path}\` cannot be read (${reason})`, { path, reason });
  }
}
