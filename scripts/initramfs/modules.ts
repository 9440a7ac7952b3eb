/** Which kernel modules go into an initramfs, and in which order are they loaded? By what each says that it depends on. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";

export interface KernelModule {
  readonly name: string;
  /** Decompressed. */
  readonly bytes: Buffer;
}

/** Without these, built in or as modules, no volume is opened. */
const NEEDED = ["dm_mod", "dm_crypt", "xts"];
/** For machines that have them: buses, disks, network cards, faster ciphers, who asks the hardware, file systems. */
const WANTED = [
  "virtio_pci",
  "virtio_blk",
  "virtio_scsi",
  "sd_mod",
  "nvme",
  "virtio_net",
  "ena",
  "gve",
  "hv_vmbus",
  "hv_storvsc",
  "hv_netvsc",
  "virtio_rng",
  "aesni_intel",
  "sha256_ssse3",
  "dm_integrity",
  "dm_verity",
  "configfs",
  "sev_guest",
  "tpm_tis",
  "tpm_crb",
  "af_packet",
  "ext4",
  "xfs",
];

/**
 * @param folder - `/lib/modules/VERSION` of the kernel that will boot.
 * @param more - Names of others that have to be there.
 * @returns Modules in the order of loading.
 * @throws Error where a needed one is neither there nor built in.
 */
export function modulesFor(folder: string, more: readonly string[] = []): readonly KernelModule[] {
  const files = filesOf(folder);
  const builtIn = new Set(linesOf(join(folder, "modules.builtin")).map(nameOf));
  const missing = [...NEEDED, ...more].filter((name) => !files.has(plain(name)) && !builtIn.has(plain(name)));
  if (missing.length > 0) throw new Error(`no ${missing.join(", ")} in ${folder}`);
  const loaded = new Map<string, KernelModule>();
  const load = (name: string): void => {
    const file = files.get(name);
    if (file === undefined || loaded.has(name)) return;
    const bytes = bytesOf(file);
    for (const other of dependenciesOf(bytes)) load(other);
    loaded.set(name, { name, bytes });
  };
  for (const name of [...NEEDED, ...WANTED, ...more]) load(plain(name));
  return [...loaded.values()];
}

function filesOf(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(join(folder, "kernel"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /[.]ko([.](xz|zst|gz))?$/.test(name),
  );
  return new Map(names.sort().map((name) => [nameOf(name), join(folder, "kernel", name)]));
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
}

function nameOf(path: string): string {
  return plain(basename(path).replace(/[.]ko([.](xz|zst|gz))?$/, ""));
}

/** The kernel takes both for one. */
function plain(name: string): string {
  return name.replaceAll("-", "_");
}

/** `depends=` of the section .modinfo, where strings end in zero. */
function dependenciesOf(bytes: Buffer): readonly string[] {
  const at = bytes.indexOf("\0depends=");
  if (at < 0) return [];
  const from = at + "\0depends=".length;
  const names = bytes.toString("latin1", from, bytes.indexOf(0, from));
  return names === "" ? [] : names.split(",").map(plain);
}

function bytesOf(file: string): Buffer {
  const bytes = readFileSync(file);
  if (file.endsWith(".gz")) return gunzipSync(bytes);
  if (file.endsWith(".zst")) return zstdDecompressSync(bytes);
  if (!file.endsWith(".xz")) return bytes;
  const { status, stdout } = spawnSync("xz", ["-dc"], { input: bytes, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`xz cannot read ${file}`);
  return stdout;
}
