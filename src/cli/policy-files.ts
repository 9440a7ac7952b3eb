/** Which files does a policy bring along? What it imports or hashes, from below its root. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import type { Primitives } from "../base/primitives.ts";
import { SNP_VOCABULARY } from "../policy/vocabulary.ts";
import { isBundlePath } from "../writ/checking/scope.ts";
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

/** A file of the bundle: a plain path below the root, where no link leads out of it, of at most the size of a source. */
export function readBelow(root: string, path: string): Uint8Array | undefined {
  if (!isBundlePath(path)) return undefined;
  try {
    const [base, file] = [realpathSync(root), realpathSync(join(root, path))];
    if (!file.startsWith(base.endsWith(sep) ? base : base + sep)) return undefined;
    const { size } = statSync(file);
    return size > MAX_SOURCE_BYTES ? undefined : Uint8Array.from(readFileSync(file));
  } catch {
    return undefined;
  }
}
