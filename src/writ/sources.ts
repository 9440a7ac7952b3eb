/** What goes into a compilation? Sources, the vocabulary they speak, and the files beside them. */
import type { Primitives } from "../base/primitives.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** One source. `path` is relative to the bundle's root, as imports write it. Bytes are UTF-8. */
export interface SourceFile {
  readonly path: string;
  readonly text: string | Uint8Array;
}

export interface CompileOptions {
  readonly vocabulary: Vocabulary;
  /** Any other file of the bundle: imports that are not among the sources, and `sha384 of "file"`. */
  readonly files?: (path: string) => Uint8Array | undefined;
  readonly digest: Primitives["digest"];
}
