/** Do dracut and initramfs-tools make an initrd with the agent, its files and the unit? In a name space of its own, on overlays. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const DEPLOY = join(import.meta.dirname, "../../deploy");
const KERNEL = "6.1.0-test";
const place = mkdtempSync(join(tmpdir(), "ostiary-initrd-"));
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Over these folders of the machine lies what an operator would have put there; nothing of the machine changes. */
const OVER = { "/etc": "etc", "/usr/bin": "bin", "/usr/lib": "lib", "/boot": "boot" };

function has(program: string): boolean {
  const overlay = `mount -t overlay o -o lowerdir=${place}:/etc /etc && command -v ${program}`;
  return spawnSync("unshare", ["-m", "sh", "-c", overlay]).status === 0;
}

function lay(): void {
  for (const folder of [
    "etc/ostiary/disks",
    "etc/initramfs-tools/hooks",
    "etc/initramfs-tools/scripts/local-top",
    "bin",
    "boot",
  ]) {
    mkdirSync(join(place, folder), { recursive: true });
  }
  const modules = join(place, "lib/modules", KERNEL);
  mkdirSync(modules, { recursive: true });
  for (const name of ["modules.builtin", "modules.order", "modules.builtin.modinfo"])
    writeFileSync(join(modules, name), "");
  writeFileSync(join(place, "boot", `config-${KERNEL}`), "CONFIG_RD_ZSTD=y\nCONFIG_RD_GZIP=y\n");
  writeFileSync(join(place, "etc/ostiary/agent.toml"), '[[broker]]\nurl = "https://broker.example"\n');
  writeFileSync(join(place, "etc/ostiary/disks/data.conf"), "DEVICE=/dev/vdb\nSECRET=prod/db1/disk\n");
  cpSync("/bin/true", join(place, "bin/ostiary"), { dereference: true });
  cpSync(join(DEPLOY, "dracut"), join(place, "lib/dracut/modules.d"), { recursive: true, dereference: true });
  cpSync(join(DEPLOY, "initramfs-tools/hook"), join(place, "etc/initramfs-tools/hooks/ostiary"));
  cpSync(
    join(DEPLOY, "initramfs-tools/local-top"),
    join(place, "etc/initramfs-tools/scripts/local-top/ostiary"),
  );
}

/** The names in the initrd that a command makes at `$OUT`. */
function namesIn(command: string): readonly string[] {
  lay();
  const mounts = Object.entries(OVER).map(
    ([to, from]) => `mount -t overlay o -o lowerdir=${join(place, from)}:${to} ${to}`,
  );
  const out = join(place, "out.img");
  const list = `(zstdcat ${out} 2>/dev/null || cat ${out}) | cpio -t 2>/dev/null`;
  const script = ["set -e", ...mounts, command.replace("$OUT", out), list].join("\n");
  const { status, stdout, stderr } = spawnSync("unshare", ["-m", "bash", "-c", script], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.slice(-2000));
  return stdout.split("\n");
}

const tools = [
  {
    name: "dracut",
    command:
      'dracut --no-kernel --force --no-hostonly --modules "systemd systemd-initrd ostiary" --compress cat $OUT >&2',
    own: [
      "usr/lib/systemd/system/ostiary-unlock@.service",
      "usr/lib/systemd/system/initrd.target.wants/ostiary-unlock@data.service",
    ],
  },
  { name: "mkinitramfs", command: `mkinitramfs -o $OUT ${KERNEL} >&2`, own: ["scripts/local-top/ostiary"] },
];

describe("an initrd", () => {
  for (const { name, command, own } of tools) {
    it.skipIf(!has(name))(
      `of ${name} has the agent, its files and what calls it`,
      () => {
        const names = namesIn(command);
        const expected = [
          "usr/bin/ostiary",
          "usr/sbin/cryptsetup",
          "etc/ostiary/agent.toml",
          "etc/ostiary/disks/data.conf",
        ];
        expect(names).toEqual(expect.arrayContaining([...expected, ...own]));
      },
      120_000,
    );
  }
});
