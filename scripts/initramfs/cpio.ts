/** How is a tree of files written as an initramfs? The "newc" archive of the kernel's early userspace, the same bytes for the same tree. */

export type Entry =
  | { readonly kind: "folder"; readonly mode: number }
  | { readonly kind: "file"; readonly mode: number; readonly bytes: Uint8Array }
  /** Its bytes are its target. */
  | { readonly kind: "link"; readonly mode: number; readonly bytes: Uint8Array }
  | { readonly kind: "device"; readonly mode: number; readonly major: number; readonly minor: number };

const TYPES = { folder: 0o040000, file: 0o100000, link: 0o120000, device: 0o020000 };

/** @param entries - By path without a leading slash. Folders above an entry are made where they are missing. */
export function writeCpio(entries: ReadonlyMap<string, Entry>): Buffer {
  const all = [...withFolders(entries)].sort(([a], [b]) => (a < b ? -1 : 1));
  const pieces = all.flatMap(([path, entry], at) => entryOf(path, entry, at + 1));
  return Buffer.concat([...pieces, ...entryOf("TRAILER!!!", undefined, 0)]);
}

function withFolders(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
  const all = new Map(entries);
  for (const path of entries.keys()) {
    const parts = path.split("/").slice(0, -1);
    for (const at of parts.keys()) {
      const folder = parts.slice(0, at + 1).join("/");
      if (!all.has(folder)) all.set(folder, { kind: "folder", mode: 0o755 });
    }
  }
  return all;
}

/** Of root, of no time: what differs is what is in it. */
function entryOf(path: string, entry: Entry | undefined, ino: number): readonly Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const mode = entry === undefined ? 0 : TYPES[entry.kind] | entry.mode;
  const bytes = entry !== undefined && "bytes" in entry ? Buffer.from(entry.bytes) : Buffer.alloc(0);
  const [major, minor] = entry?.kind === "device" ? [entry.major, entry.minor] : [0, 0];
  const links = entry?.kind === "folder" ? 2 : 1;
  const numbers = [ino, mode, 0, 0, links, 0, bytes.length, 0, 0, major, minor, name.length, 0];
  const head = `070701${numbers.map((number) => number.toString(16).padStart(8, "0")).join("")}`;
  return [padded(Buffer.concat([Buffer.from(head), name])), padded(bytes)];
}

function padded(bytes: Buffer): Buffer {
  const rest = (4 - (bytes.length % 4)) % 4;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(rest)]);
}
