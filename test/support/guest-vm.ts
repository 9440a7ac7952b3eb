/** How does a whole guest boot in a test? QEMU without acceleration, Debian's cloud kernel, and an initramfs of ours. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { buildSync } from "esbuild";
import { describe } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
/** Where `.ci/run` unpacks the kernel's package. */
const KERNEL = join(homedir(), ".cache/ostiary/kernel");
const QEMU = "qemu-system-x86_64";
const BOOT_MS = 280_000;
/** Programs of systemd's that nobody calls by hand. */
export const SYSTEMD_FOLDER = "/usr/lib/systemd";

const reason = whyNot();

/** Tests that boot; where the machine lacks something they are skipped by name with the reason. */
export function describeWithGuest(name: string, tests: () => void): void {
  if (reason === undefined) describe(name, tests);
  else describe.skip(`${name} (no guest here: ${reason})`, tests);
}

function whyNot(): string | undefined {
  if (spawnSync(QEMU, ["--version"]).status !== 0) return "install the package `qemu-system-x86`";
  if (!existsSync("/bin/busybox") || spawnSync("ldd", ["/bin/busybox"]).status === 0)
    return "install the package `busybox-static`";
  if (spawnSync("cryptsetup", ["--version"]).status !== 0) return "install the package `cryptsetup-bin`";
  if (kernelVersion() === undefined) return `no kernel of Debian's in ${KERNEL}: \`.ci/run\` fetches it`;
  return undefined;
}

function kernelVersion(): string | undefined {
  const modules = join(KERNEL, "lib/modules");
  return existsSync(modules) ? readdirSync(modules).sort().at(-1) : undefined;
}

/**
 * What the host asks a guest's firmware for when it hashes the kernel's command line, as the look-alike has it. On a busy machine a
 * guest without acceleration gets too few ticks for the kernel, which would take its timer for a broken one and panic.
 */
export const COMMAND_LINE = "console=ttyS0 quiet panic=-1 no_timer_check";
/** Where the guest's look-alike of configfs-tsm is. */
export const TSM_FOLDER = "/run/tsm";

const MACHINE = "/test/machine";
const LOOK_ALIKE = "/test/tsm.mjs";
/** The hook that mounts it, before whatever else is to be done before the disk. */
export const BEFORE_UNLOCK = `#!/bin/sh
/usr/lib/ostiary/node ${LOOK_ALIKE} ${TSM_FOLDER} ${MACHINE} measurement=cmdline "mount=busybox mount -i" >/run/tsm.log 2>&1 &
tries=0
until grep -q mounted /run/tsm.log; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || { cat /run/tsm.log; exit 1; }
  sleep 0.1
done
`;

/**
 * Builds the agent and an initramfs with it, whose chip is the simulated machine of a folder, mounted by a hook.
 *
 * @param places - Where the image and all that goes into it is put, and the folder of the machine.
 * @param etc - Files below /etc/ostiary. Hooks are executable.
 * @param programs - Of this machine, taken along with their libraries.
 * @returns What the builder said.
 */
export function makeGuestImage(
  { folder, machine }: { readonly folder: string; readonly machine: string },
  etc: Readonly<Record<string, string>>,
  programs: readonly string[] = [],
): string {
  const files = { "hooks/before-unlock": BEFORE_UNLOCK, ...etc };
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, "etc", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: name.startsWith("hooks/") ? 0o755 : 0o644 });
  }
  const agent = join(folder, "ostiary-agent.cjs");
  const lookAlike = join(folder, "tsm.mjs");
  run(join(ROOT, "scripts/agent-bundle.mjs"), ["--out", agent]);
  buildSync({
    entryPoints: [join(import.meta.dirname, "tsm-fuse/process.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    outfile: lookAlike,
  });
  return run(join(ROOT, "scripts/agent-initramfs.mjs"), [
    ...["--modules", join(KERNEL, "lib/modules", kernelVersion() ?? ""), "--module", "fuse"],
    ...["--agent", agent, "--node", process.execPath, "--program", "mkfs.ext4"],
    ...programs.flatMap((name) => ["--program", name]),
    ...["--etc", join(folder, "etc")],
    ...["--add", `${machine}:${MACHINE}`, "--add", `${lookAlike}:${LOOK_ALIKE}`],
    ...["--compress", "none", "--out", join(folder, "initramfs")],
  ]);
}

function run(script: string, words: readonly string[]): string {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:${SYSTEMD_FOLDER}` };
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], {
    encoding: "utf8",
    env,
  });
  if (status !== 0) throw new Error(`${script} ended with status ${status}: ${stdout}${stderr}`);
  return stdout;
}

export interface Booted {
  /** What stood on the serial console. */
  readonly console: string;
  /** How the guest ended: by itself, by starting anew, or not at all in five minutes. */
  readonly end: "power down" | "restart" | "hung";
  readonly seconds: number;
}

/** What a hook said on the console by lines that begin with this word. */
export function linesOf({ console: said }: Booted, word: string): readonly string[] {
  return said.split("\n").filter((line) => line.startsWith(`${word}: `));
}

/** Boots to the end. The disk is written to; the network is the host's loopback at 10.0.2.2. */
export function boot(folder: string, disk: string, commandLine = COMMAND_LINE): Promise<Booted> {
  const began = performance.now();
  const child = spawn(QEMU, qemuWords(join(folder, "initramfs"), disk, commandLine), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), BOOT_MS);
  const pieces: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => pieces.push(String(piece)));
  return new Promise((done) => {
    child.once("close", () => {
      clearTimeout(timer);
      const said = pieces.join("").replaceAll("\r", "");
      done({ console: said, end: endOf(said), seconds: (performance.now() - began) / 1000 });
    });
  });
}

function endOf(said: string): Booted["end"] {
  if (said.includes("reboot: Power down")) return "power down";
  return said.includes("reboot: Restarting system") ? "restart" : "hung";
}

/** Never KVM: nested, it may open and hang at boot. A guest that starts anew ends QEMU. */
function qemuWords(initramfs: string, disk: string, commandLine: string): readonly string[] {
  const kernel = join(KERNEL, "boot", `vmlinuz-${kernelVersion()}`);
  return [
    ...["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1024", "-nodefaults", "-no-user-config"],
    ...["-display", "none", "-no-reboot", "-serial", "stdio"],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", commandLine],
    ...["-drive", `file=${disk},format=raw,if=virtio`],
    ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="],
  ];
}
