/** Is an initramfs the same bytes for the same files, loadable in its order, and deaf to whoever answers DHCP? Beside the boots, which take minutes. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Entry, writeCpio } from "../../scripts/initramfs/cpio.ts";
import { modulesFor } from "../../scripts/initramfs/modules.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy/initramfs");

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "ostiary-initramfs-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const text = (words: string): Buffer => Buffer.from(words);

describe("the archive", () => {
  const entries = (): [string, Entry][] => [
    ["init", { kind: "file", mode: 0o755, bytes: text("#!/bin/sh\n") }],
    ["etc/a/deep", { kind: "file", mode: 0o600, bytes: text("abc") }],
    ["bin/sh", { kind: "link", mode: 0o777, bytes: text("busybox") }],
    ["dev/console", { kind: "device", mode: 0o600, major: 5, minor: 1 }],
  ];

  it("is read by cpio as it was meant, of no time and of root", () => {
    const archive = writeCpio(new Map(entries()));
    const { status, stdout } = spawnSync("cpio", ["-itvn"], { input: archive, encoding: "utf8" });
    expect(status).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => line.replace(/ +/g, " ").replace(/ Jan 1 1970/, ""))).toEqual([
      "drwxr-xr-x 2 0 0 0 bin",
      "lrwxrwxrwx 1 0 0 7 bin/sh -> busybox",
      "drwxr-xr-x 2 0 0 0 dev",
      "crw------- 1 0 0 5, 1 dev/console",
      "drwxr-xr-x 2 0 0 0 etc",
      "drwxr-xr-x 2 0 0 0 etc/a",
      "-rw------- 1 0 0 3 etc/a/deep",
      "-rwxr-xr-x 1 0 0 10 init",
    ]);
  });

  it("is the same bytes in whatever order its files were named", () => {
    const [first, second] = [entries(), entries().reverse()].map((list) => writeCpio(new Map(list)));
    expect(first?.equals(second ?? text(""))).toBe(true);
  });
});

/** What the kernel's modules say of themselves, in files of the kernel's own forms. */
function modules(named: Readonly<Record<string, string>>): string {
  const path = folder();
  for (const [file, depends] of Object.entries(named)) {
    const bytes = text(`\u007fELF\0license=GPL\0depends=${depends}\0name=x\0`);
    const packed = file.endsWith(".gz")
      ? gzipSync(bytes)
      : file.endsWith(".zst")
        ? zstdCompressSync(bytes)
        : bytes;
    mkdirSync(join(path, "kernel", dirname(file)), { recursive: true });
    writeFileSync(join(path, "kernel", file), packed);
  }
  return path;
}

describe("kernel modules", () => {
  it("come after those that they need, each once, by names of either spelling, compressed or not", () => {
    const path = modules({
      "crypto/xts.ko": "",
      "drivers/md/dm-mod.ko.gz": "",
      "drivers/md/dm-crypt.ko.zst": "dm-mod,encrypted-keys",
      "security/encrypted-keys.ko": "trusted",
      "security/trusted.ko": "",
      "fs/fuse.ko": "",
      "sound/loud.ko": "",
    });
    const names = modulesFor(path, ["fuse"]).map(({ name }) => name);
    expect(names).toEqual(["dm_mod", "trusted", "encrypted_keys", "dm_crypt", "xts", "fuse"]);
  });

  it("are refused where one is missing that opens disks, unless it is built in", () => {
    const path = modules({ "drivers/md/dm-mod.ko": "", "drivers/md/dm-crypt.ko": "dm-mod" });
    expect(() => modulesFor(path)).toThrow(/no xts in /);
    writeFileSync(join(path, "modules.builtin"), "kernel/crypto/xts.ko\n");
    expect(modulesFor(path).map(({ name }) => name)).toEqual(["dm_mod", "dm_crypt"]);
    expect(() => modulesFor(path, ["fuse"])).toThrow(/no fuse in /);
  });
});

describe("the scripts in the image", () => {
  it.each(["init", "udhcpc"])("`%s` is what a POSIX shell reads", (name) => {
    expect(spawnSync("sh", ["-n", join(DEPLOY, name)]).status).toBe(0);
  });

  it("opens no shell: each way out of `init` goes to a restart or to the disk's own system", () => {
    const script = readFileSync(join(DEPLOY, "init"), "utf8");
    expect(script).not.toMatch(/\/proc\/cmdline|(exec|setsid|cttyhack)[^\n]*\b(sh|ash|bash)\b/);
    expect(script).toContain("trap 'refuse \"ended before its time\"' EXIT");
  });

  /** With an `ip` that notes its words, and an answer of whoever runs the network. */
  function bound(answer: Readonly<Record<string, string>>) {
    const path = folder();
    writeFileSync(join(path, "ip"), `#!/bin/sh\necho "ip $*" >>'${path}/acts'\n`);
    chmodSync(join(path, "ip"), 0o755);
    writeFileSync(join(path, "acts"), "");
    const script = readFileSync(join(DEPLOY, "udhcpc"), "utf8").replaceAll(
      "/etc/resolv.conf",
      `${path}/resolv`,
    );
    writeFileSync(join(path, "udhcpc"), script);
    const env = { PATH: `${path}:/usr/bin:/bin`, interface: "eth0", ...answer };
    const { status } = spawnSync("sh", [join(path, "udhcpc"), "bound"], { env });
    return { status, acts: readFileSync(join(path, "acts"), "utf8"), resolv: join(path, "resolv") };
  }

  it("takes an address, the first router and name servers of a DHCP answer", () => {
    const answer = { ip: "10.0.2.15", mask: "24", router: "10.0.2.2 10.0.2.9", dns: "10.0.2.3 10.0.2.4" };
    const { status, acts, resolv } = bound(answer);
    expect([status, acts]).toEqual([
      0,
      "ip address flush dev eth0\nip address add 10.0.2.15/24 dev eth0\nip route add default via 10.0.2.2 dev eth0\n",
    ]);
    expect(readFileSync(resolv, "utf8")).toBe("nameserver 10.0.2.3\nnameserver 10.0.2.4\n");
  });

  it.each([
    ["a command", { ip: "10.0.2.15; reboot", mask: "24" }],
    ["a substitution", { ip: "$(reboot)", mask: "24" }],
    ["a mask that is none", { ip: "10.0.2.15", mask: "24 dev lo" }],
    ["no address", { ip: "", mask: "24" }],
  ])("does nothing for an answer with %s", (_, answer) => {
    expect(bound(answer)).toMatchObject({ status: 1, acts: "" });
  });

  it("leaves a router and name servers alone that are no numbers", () => {
    const answer = {
      ip: "10.0.2.15",
      mask: "24",
      router: "evil.example",
      dns: "1.1.1.1\nsearch evil.example",
    };
    const { status, acts } = bound(answer);
    expect(status).toBe(0);
    expect(acts).not.toContain("route");
  });
});
