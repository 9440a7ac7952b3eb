/** Which files does a policy bring along? What it imports or hashes, from below its root. */
import { readFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import type { Primitives } from "../base/primitives.ts";
import { SNP_VOCABULARY } from "../policy/vocabulary.ts";
import { type Compilation, compileSources } from "../writ/compile.ts";
import type { SourceFile } from "../writ/sources.ts";

export const MAX_SOURCE_BYTES = 1 << 20;

/** A compilation, and every file that it read beside the sources it was given. */
export interface CompiledFiles extends Compilation {
  readonly beside: readonly SourceFile[];
}

/** Compiles sources; what they name is read below `root` alone. */
export function compileBelow(
  sources: readonly SourceFile[],
  root: string,
  { digest }: Pick<Primitives, "digest">,
): CompiledFiles {
  const beside = new Map<string, Uint8Array>();
  const compilation = compileSources(sources, {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: (path) => {
      const bytes = readBelow(root, path);
      if (bytes !== undefined) beside.set(path, bytes);
      return bytes;
    },
  });
  return { ...compilation, beside: [...beside].map(([path, text]) => ({ path, text })) };
}

/** Relative to the root where the file lies below it, else its name alone. */
export function bundlePathOf(file: string, root: string): string {
  const path = relative(resolve(root), resolve(file));
  return path.startsWith("..") ? basename(file) : path.split(sep).join("/");
}

/** The language has refused every path that is not a plain one below the root already. */
function readBelow(root: string, path: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(join(root, path));
    return bytes.length > MAX_SOURCE_BYTES ? undefined : Uint8Array.from(bytes);
  } catch {
    return undefined;
  }
}
