/** What is a bundle of policy? A canonical archive of sources with a manifest; its program is always compiled anew from source. */
import { equalBytes, hexOf, utf8 } from "../base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import { type Compilation, compileSources } from "../writ/compile.ts";
import type { DiffSide } from "../writ/diff/attribution.ts";
import { entryLabels } from "../writ/entry-labels.ts";
import type { Program } from "../writ/program.ts";
import type { SourceFile } from "../writ/sources.ts";
import { readTar, type TarFile, writeTar } from "./tar.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

const MANIFEST = "bundle.json";
const LANGUAGE = 1;
const COMPILER = "ostiary 0.1.0";
const DIGEST = /^[0-9a-f]{64}$/;

interface BundleModule {
  readonly name: string;
  readonly version: string;
}

/** What was compiled, and from which files. */
export type BundleSide = DiffSide & { readonly program: Program };

/** What `bundle.json` says. */
interface BundleManifest {
  readonly modules: readonly BundleModule[];
  /** Digest of the bundle that this one follows; `null` for the first. A chain, so a rollback is a new bundle. */
  readonly previous: string | null;
  /** Path → SHA-256, lower-case hex, of every other file. */
  readonly files: Readonly<Record<string, string>>;
  readonly language: number;
  readonly vocabulary: { readonly id: string; readonly version: number };
  /** Which compiler packed it: for the record only, since nobody trusts a compilation but their own. */
  readonly compiler: string;
}

/** A bundle that was opened here: its sources compiled, its hashes compared. */
export interface Bundle {
  /** SHA-256 of the archive, lower-case hex. It stands in every decision. */
  readonly digest: string;
  readonly modules: readonly BundleModule[];
  readonly program: Program;
  readonly manifest: BundleManifest;
  /** The same as one side of a comparison (`gate.ts`). */
  readonly side: BundleSide;
  /** Measurement → vCPU count, where reference values say one and agree. */
  readonly vcpus: ReadonlyMap<string, number>;
}

/**
 * Packs sources into the one archive that they have. Files that end in `.writ`, but not in `.test.writ`, are compiled; all
 * others are carried for imports and `sha384 of "file"`.
 *
 * @param previous - Digest of the live bundle; `undefined` for the first.
 * @throws {@link Fault} `policy/malformed` when the sources do not compile or cannot stand in a bundle.
 */
export function packBundle(
  sources: readonly SourceFile[],
  previous: string | undefined,
  digest: Primitives["digest"],
): Uint8Array {
  const files = sources.map(({ path, text }) => ({
    path,
    bytes: typeof text === "string" ? utf8(text) : text,
  }));
  const { program } = compile(files, digest);
  const manifest = manifestOf({ files, program, previous: previous ?? null, compiler: COMPILER }, digest);
  const tar = writeTar([...files, { path: MANIFEST, bytes: encodeManifest(manifest) }]);
  loadBundle(tar, digest); // whatever this door lets out, the other one lets in
  return tar;
}

/**
 * Opens a bundle. Nothing in it is believed: hashes are taken again, sources compiled again, and the manifest must be the one
 * that these files have.
 *
 * @param tar - Attacker-controlled until a signature over it was verified.
 * @throws {@link Fault} `policy/malformed`, with the first diagnostic where sources do not compile.
 */
export function loadBundle(tar: Uint8Array, digest: Primitives["digest"]): Bundle {
  const all = readTar(tar);
  const stated = all.find(({ path }) => path === MANIFEST);
  if (stated === undefined) throw malformed(`expected a file ${MANIFEST}`);
  const { previous, compiler } = chosenOf(stated.bytes);
  const files = all.filter((file) => file !== stated);
  const { compilation, program } = compile(files, digest);
  const manifest = manifestOf({ files, program, previous, compiler }, digest);
  if (!equalBytes(encodeManifest(manifest), stated.bytes)) {
    throw malformed(
      `expected ${MANIFEST} to be the manifest of these files, this language and this vocabulary`,
    );
  }
  return {
    digest: hexOf(digest("sha256", tar)),
    modules: manifest.modules,
    program,
    manifest,
    side: { compilation, program, files: new Map(files.map(({ path, bytes }) => [path, bytes])) },
    vcpus: entryLabels(program.refsets, "measurement"),
  };
}

/**
 * Digest of the bundle that this one follows; `undefined` for the first. Nothing is compiled.
 *
 * @throws {@link Fault} `policy/malformed` for another archive than the digest says.
 */
export function previousOf(
  tar: Uint8Array,
  expected: string,
  digest: Primitives["digest"],
): string | undefined {
  const manifest = readTar(tar).find(({ path }) => path === MANIFEST);
  if (manifest === undefined || hexOf(digest("sha256", tar)) !== expected) {
    throw malformed("expected the archive that its digest names");
  }
  return chosenOf(manifest.bytes).previous ?? undefined;
}

interface ManifestParts {
  readonly files: readonly TarFile[];
  readonly program: Program;
  readonly previous: string | null;
  readonly compiler: string;
}

function manifestOf(
  { files, program, previous, compiler }: ManifestParts,
  digest: Primitives["digest"],
): BundleManifest {
  const { id, version } = SNP_VOCABULARY;
  return {
    modules: program.modules
      .map((module) => ({ name: module.name, version: module.version ?? "0.0.0" }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    previous,
    files: Object.fromEntries(files.map((file) => [file.path, hexOf(digest("sha256", file.bytes))])),
    language: LANGUAGE,
    vocabulary: { id, version },
    compiler,
  };
}

function encodeManifest(manifest: BundleManifest): Uint8Array {
  const { modules, previous, files, language, vocabulary, compiler } = manifest;
  return canonicalJsonBytes({
    modules: modules.map(({ name, version }) => ({ name, version })),
    previous,
    files,
    language,
    vocabulary: { id: vocabulary.id, version: vocabulary.version },
    compiler,
  });
}

/** The two members that a packer is free to choose; every other one follows from the files. */
function chosenOf(bytes: Uint8Array): Pick<BundleManifest, "previous" | "compiler"> {
  const limits = { maxBytes: bytes.length, maxDepth: 4, code: "policy/malformed" } as const;
  const value = parseStrictJson(bytes, limits);
  const { previous, compiler } = isObject(value) ? value : {};
  const isDigest = previous === null || (typeof previous === "string" && DIGEST.test(previous));
  if (!isDigest || typeof compiler !== "string" || compiler.length > 100) {
    throw malformed("expected `previous` to be a digest or null, and `compiler` a name");
  }
  return { previous, compiler };
}

function isObject(value: ReturnType<typeof parseStrictJson>): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a broker has before its first bundle: nothing is allowed. */
export function emptySide(digest: Primitives["digest"]): BundleSide {
  return { ...compile([], digest), files: new Map() };
}

function compile(
  files: readonly TarFile[],
  digest: Primitives["digest"],
): { readonly compilation: Compilation; readonly program: Program } {
  const byPath = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const sources = files
    .filter(({ path }) => path.endsWith(".writ") && !path.endsWith(".test.writ"))
    .map(({ path, bytes }) => ({ path, text: bytes }));
  const compilation = compileSources(sources, {
    vocabulary: SNP_VOCABULARY,
    files: (path) => byPath.get(path),
    digest,
  });
  const { program } = compilation;
  if (program === undefined) throw uncompiled(compilation);
  return { compilation, program };
}

function uncompiled({ diagnostics, sources }: Compilation): Fault {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const [first] = errors;
  if (first === undefined) return malformed("expected sources that compile");
  const line = (sources.get(first.file) ?? "").slice(0, first.primary.span.start).split("\n").length;
  return new Fault(
    "policy/malformed",
    `bundle: ${errors.length} errors, the first ${first.code}: ${first.message}`,
    {
      errors: errors.length,
      first: first.code,
      at: `${first.file}:${line}`,
    },
  );
}

function malformed(expected: string): Fault {
  return new Fault("policy/malformed", `bundle: ${expected}`);
}
