/** What stands on one side of a comparison? A source, a folder of sources, or a bundle. */
import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { Fault, isFault } from "../../base/fault.ts";
import { loadBundle } from "../../policy/bundle.ts";
import { readTar } from "../../policy/tar.ts";
import { SNP_VOCABULARY } from "../../policy/vocabulary.ts";
import { compileSources } from "../../writ/compile.ts";
import type { DiffSide } from "../../writ/diff/attribution.ts";
import { compileBelow } from "../policy-files.ts";
import { compileFiles } from "./compile-files.ts";
import type { WritEdges } from "./verb.ts";

const MAX_FILES = 1024;
const MAGIC_AT = 257;
const MAGIC = "ustar";

/** @throws {@link Fault} for what cannot be read, and for a bundle that is none. */
export async function sideOf(path: string, root: string | undefined, edges: WritEdges): Promise<DiffSide> {
  if (isFolder(path)) return folderSide(path, root, edges);
  const bytes = await edges.terminal.readFile(path);
  if (isArchive(bytes)) return bundleSide(bytes, edges);
  const compilation = await compileFiles([path], root, edges);
  return { compilation, files: filesOf(compilation) };
}

function isFolder(path: string): boolean {
  return path !== "-" && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isArchive(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(MAGIC_AT, MAGIC_AT + MAGIC.length)) === MAGIC;
}

/** Every source below a folder but its tests; imports start there. */
async function folderSide(
  folder: string,
  root: string | undefined,
  { terminal, primitives }: WritEdges,
): Promise<DiffSide> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".writ") && !name.endsWith(".test.writ"))
    .sort();
  if (names.length === 0 || names.length > MAX_FILES) {
    throw new Fault("file/unusable", `${folder} holds ${names.length} sources; expected 1 to ${MAX_FILES}`);
  }
  const base = resolve(root ?? folder);
  const sources = await Promise.all(
    names.map(async (name) => ({
      path: relative(base, resolve(join(folder, name)))
        .split(sep)
        .join("/"),
      text: await terminal.readFile(join(folder, name)),
    })),
  );
  const compilation = compileBelow(sources, base, primitives);
  return {
    compilation,
    files: new Map([...compilation.beside, ...sources].map(({ path, text }) => [path, text])),
  };
}

function filesOf({ sources, beside }: ReturnType<typeof compileBelow>): DiffSide["files"] {
  return new Map([...sources, ...beside.map(({ path, text }) => [path, text] as const)]);
}

/** Its hashes are taken again; who signed it is not asked here. */
function bundleSide(bytes: Uint8Array, { primitives: { digest } }: WritEdges): DiffSide {
  try {
    loadBundle(bytes, digest);
  } catch (thrown) {
    if (isFault(thrown)) throw new Fault("file/unusable", thrown.message);
    throw thrown;
  }
  const files = readTar(bytes).filter(({ path }) => path !== "bundle.json");
  const sources = files
    .filter(({ path }) => path.endsWith(".writ") && !path.endsWith(".test.writ"))
    .map(({ path, bytes: text }) => ({ path, text }));
  const beside = new Map(files.map(({ path, bytes: text }) => [path, text]));
  const compilation = compileSources(sources, {
    vocabulary: SNP_VOCABULARY,
    digest,
    files: (path) => beside.get(path),
  });
  return { compilation, files: beside };
}
