/** What is in the bundles that an admin's verbs are about? Packed from files, or taken from the broker and held against their digests. */
import { posix } from "node:path";
import { hexOf, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { AdminClient } from "../../client/admin.ts";
import { type Bundle, loadBundle, packBundle } from "../../policy/bundle.ts";
import { writeTar } from "../../policy/tar.ts";
import type { BundleDetail } from "../../wire/messages.ts";
import { Misuse, type Terminal } from "../command.ts";
import { compileBelow } from "../policy-files.ts";

const MANIFEST = "bundle.json";

/** Files, and what they import from below the folder of the first of them or below `root`, as the bundle after `previous`. */
export async function packFiles(
  files: readonly string[],
  { root: given, previous }: { readonly root: string | undefined; readonly previous: string | undefined },
  { digest, terminal }: { readonly digest: Primitives["digest"]; readonly terminal: Terminal },
): Promise<Uint8Array> {
  const [first] = files;
  if (first === undefined) throw new Misuse("expected at least one FILE");
  const root = given ?? posix.dirname(first);
  const sources = await Promise.all(
    files.map(async (file) => ({ path: pathBelow(root, file), text: await terminal.readFile(file) })),
  );
  const beside = compileBelow(sources, root, { digest }).beside.filter(
    (file) => !sources.some(({ path }) => path === file.path),
  );
  return packBundle([...sources, ...beside], previous, digest);
}

/** The name of a file inside its bundle. */
function pathBelow(root: string, file: string): string {
  const path = posix.relative(root, file);
  if (path !== "" && !path.startsWith("../") && path !== "..") return path;
  throw new Misuse(`expected \`${file}\` to lie below \`${root}\`; name another folder with --root`);
}

/** The sources of a bundle of the broker as the bundle after another one. */
export function packAgain(
  detail: BundleDetail,
  previous: string | undefined,
  digest: Primitives["digest"],
): Uint8Array {
  archiveOf(detail, digest); // what is packed again is what its digest names
  const sources = detail.sources.filter(({ path }) => path !== MANIFEST);
  return packBundle(sources, previous, digest);
}

/** A bundle of the broker, compiled here. @throws {@link Fault} `policy/bad-signature` where what it shows is not what its digest names. */
export async function fetchedBundle(
  name: string,
  client: AdminClient,
  digest: Primitives["digest"],
): Promise<Bundle> {
  return loadBundle(archiveOf(await client.showBundle(name), digest), digest);
}

function archiveOf({ digest: name, sources }: BundleDetail, digest: Primitives["digest"]): Uint8Array {
  const tar = writeTar(sources.map(({ path, text }) => ({ path, bytes: utf8(text) })));
  if (hexOf(digest("sha256", tar)) === name) return tar;
  throw new Fault(
    "policy/bad-signature",
    "expected the broker to show the sources that the digest names, all of them text",
    { digest: name },
  );
}
