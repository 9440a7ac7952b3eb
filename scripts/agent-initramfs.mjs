/**
 * Makes an initramfs that opens a guest's disk: `--modules /lib/modules/VERSION --agent FILE [--node FILE] --etc FOLDER --out FILE`.
 *
 * The same bytes for the same files, and says how many. `--agent` is the script of `npm run build:agent` with `--node`, or the single
 * executable without. `--etc` becomes /etc/ostiary. More: `--module NAME`, `--program NAME` and `--add FILE:PATH`, each any number of
 * times, `--busybox FILE`, `--compress zstd|gzip|none` (zstd). docs/initramfs.md says the rest.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { writeCpio } from "./initramfs/cpio.ts";
import { modulesFor } from "./initramfs/modules.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const DEPLOY = join(ROOT, "deploy/initramfs");
/** A package with native code, and what of it runs, with its licence: neither sources nor other C libraries. */
const KOFFI = ["koffi", "@koromix/koffi-linux-x64"];
const RUNS = /^(?!.*\/(doc|vendor|musl_x64)\/).*([.](js|cjs|json|node)|LICENSE[.]txt)$/;
const APPLETS =
  "cat chroot false insmod ip ln ls mkdir mount poweroff reboot sh sleep switch_root sync udhcpc umount".split(
    " ",
  );
const COMPRESS = {
  none: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes, { level: 9 }),
  zstd: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
};

const { values } = parseArgs({
  options: {
    modules: { type: "string" },
    module: { type: "string", multiple: true, default: [] },
    program: { type: "string", multiple: true, default: [] },
    agent: { type: "string" },
    node: { type: "string" },
    etc: { type: "string" },
    add: { type: "string", multiple: true, default: [] },
    busybox: { type: "string", default: "/bin/busybox" },
    compress: { type: "string", default: "zstd" },
    out: { type: "string" },
  },
});
for (const name of ["modules", "agent", "etc", "out"]) {
  if (values[name] === undefined) fail(`expected --${name}`);
}
const compress = COMPRESS[values.compress] ?? fail("expected --compress zstd, gzip or none");
const entries = new Map();

addBase();
addModules();
addAgent();
for (const name of ["cryptsetup", ...values.program]) addProgram(name);
addTree(values.etc, "etc/ostiary");
for (const pair of values.add) {
  const at = pair.lastIndexOf(":");
  addTree(pair.slice(0, at), pair.slice(at + 1).replace(/^\/+/, ""));
}
const archive = writeCpio(entries);
const packed = compress(archive);
writeFileSync(values.out, packed);
process.stdout.write(
  `initramfs: ${entries.size} files, ${archive.length} bytes, ${values.compress} ${packed.length} bytes\n`,
);

function addBase() {
  addFile(join(DEPLOY, "init"), "init", 0o755);
  addFile(join(DEPLOY, "udhcpc"), "usr/lib/ostiary/udhcpc", 0o755);
  addFile(values.busybox, "bin/busybox", 0o755);
  if (librariesOf(values.busybox).length > 0) fail(`expected a static busybox, received ${values.busybox}`);
  for (const name of APPLETS)
    entries.set(`bin/${name}`, { kind: "link", mode: 0o777, bytes: Buffer.from("busybox") });
  // The kernel opens it for /init before anything is mounted.
  entries.set("dev/console", { kind: "device", mode: 0o600, major: 5, minor: 1 });
  for (const name of ["proc", "sys", "run", "sysroot", "tmp"])
    entries.set(name, { kind: "folder", mode: 0o755 });
}

function addModules() {
  const modules = modulesFor(values.modules, values.module);
  for (const { name, bytes } of modules)
    entries.set(`usr/lib/ostiary/ko/${name}.ko`, { kind: "file", mode: 0o644, bytes });
  const list = modules.map(({ name }) => `/usr/lib/ostiary/ko/${name}.ko\n`).join("");
  entries.set("usr/lib/ostiary/modules", { kind: "file", mode: 0o644, bytes: Buffer.from(list) });
}

/** A script comes with the runtime that it is for. Beside either lies what /dev/sev-guest of kernels before 6.7 is asked by. */
function addAgent() {
  if (values.node === undefined) {
    addBinary(values.agent, "usr/lib/ostiary/agent");
    entries.set("usr/bin/ostiary", { kind: "link", mode: 0o777, bytes: Buffer.from("../lib/ostiary/agent") });
  } else {
    addBinary(values.node, "usr/lib/ostiary/node");
    addFile(values.agent, "usr/lib/ostiary/agent.cjs", 0o644);
    const start = '#!/bin/sh\nexec /usr/lib/ostiary/node /usr/lib/ostiary/agent.cjs "$@"\n';
    entries.set("usr/bin/ostiary", { kind: "file", mode: 0o755, bytes: Buffer.from(start) });
  }
  for (const name of KOFFI)
    addTree(join(ROOT, "node_modules", name), `usr/lib/ostiary/node_modules/${name}`, RUNS);
}

function addProgram(name) {
  const folders = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin", "/sbin");
  const path = folders.map((folder) => join(folder, name)).find((file) => lstatOf(file) !== undefined);
  if (path === undefined) fail(`expected ${name} on this machine`);
  addBinary(path, `usr/sbin/${name}`);
}

/** With what the dynamic linker would load for it, at the same paths; without symbols where `strip` is at hand. */
function addBinary(file, path) {
  entries.set(path, { kind: "file", mode: 0o755, bytes: stripped(file) });
  for (const library of librariesOf(file)) addFile(library, library.slice(1), 0o755);
}

function stripped(file) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-strip-"));
  const copy = join(folder, basename(file));
  try {
    copyFileSync(file, copy);
    // A single executable ends in what was put into it; strip keeps that, and is not asked to.
    if (values.node !== undefined || file !== values.agent) spawnSync("strip", ["--strip-all", copy]);
    return readFileSync(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function librariesOf(file) {
  const { stdout } = spawnSync("ldd", [file], { encoding: "utf8" });
  return [...(stdout ?? "").matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path]) => path).sort();
}

function addTree(source, path, wanted = /^/) {
  const found = lstatOf(source) ?? fail(`expected \`${source}\` to be there`);
  if (found.isDirectory()) {
    for (const name of readdirSync(source)) addTree(join(source, name), `${path}/${name}`, wanted);
  } else if (!wanted.test(path)) {
    return;
  } else if (found.isSymbolicLink()) {
    entries.set(path, { kind: "link", mode: 0o777, bytes: Buffer.from(readlinkSync(source)) });
  } else addFile(source, path, (found.mode & 0o111) === 0 ? 0o600 : 0o700);
}

function addFile(file, path, mode) {
  entries.set(path, { kind: "file", mode, bytes: readFileSync(file) });
}

function lstatOf(path) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function fail(what) {
  process.stderr.write(`initramfs: ${what}\n`);
  process.exit(2);
}
