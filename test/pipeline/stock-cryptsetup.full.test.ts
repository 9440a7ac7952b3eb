/** Does systemd's own systemd-cryptsetup open a disk by the agent's key socket, to the last step? In a guest that boots, with dm-crypt. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { blankDisk } from "../agent/luks/real-disk.ts";
import {
  BEFORE_UNLOCK,
  type Booted,
  boot,
  COMMAND_LINE,
  describeWithGuest,
  linesOf,
  makeGuestImage,
  SYSTEMD_FOLDER,
  TSM_FOLDER,
} from "../support/guest-vm.ts";
import { AUDIENCE, type BootBroker, bootBroker, PATH } from "./boot-broker.ts";

const CANARY = "the canary of this disk";
const NAME = "systemd-cryptsetup";

/** What `/etc/crypttab` has for a volume of the daemon's (docs/disks.md): its third column and its fourth. */
const [SOCKET, OPTIONS] = [
  "/run/ostiary/disk/data.sock",
  "luks,header=/run/ostiary/disk/data.header,headless=1,tries=1",
];

/** A disk that is new is left to the agent, which makes it. One that is there is opened as a system with a daemon opens it. */
const OPENED_BY_SYSTEMD = `
until [ -e /dev/vda ]; do sleep 0.1; done
cryptsetup isLuks /dev/vda || exit 0
ostiary agent serve &
tries=0
until [ -S ${SOCKET} ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 600 ] || exit 1
  sleep 0.1
done
opened() {
  ${NAME} attach data /dev/vda ${SOCKET} ${OPTIONS}
  echo "stock: attach ended with $?"
  [ -e /sys/block/dm-0 ] || return 1
  mount -t ext4 -o ro /dev/mapper/data /sysroot
  read -r canary </sysroot/canary
  echo "stock: $canary"
  umount /sysroot
  ${NAME} detach data
  [ -e /sys/block/dm-0 ] || echo "stock: closed again"
}
opened || poweroff -f
busybox dd if=/dev/zero of=/dev/vda bs=4096 count=8 2>/dev/null
cryptsetup isLuks /dev/vda || echo "stock: the disk's own header is gone"
opened
poweroff -f
`;

/** The first boot ends here. */
const MOUNTED = `#!/bin/sh
echo '${CANARY}' >/sysroot/canary
umount /sysroot
sync
poweroff -f
`;

const describeWithSystemd = existsSync(join(SYSTEMD_FOLDER, NAME))
  ? describeWithGuest
  : (name: string, _: () => void) => it.skip(`${name} (skipped: no ${NAME} here)`, () => {});

describeWithSystemd("systemd-cryptsetup in a guest", () => {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-stock-"));
  const disk = join(folder, "disk");
  let broker: BootBroker;

  beforeAll(async () => {
    broker = await bootBroker(join(folder, "broker"));
    const files = {
      "agent.toml": agentFile(broker.url),
      "unlock.args": `--secret\n${PATH}\n--format-on-grant\n--mkfs\next4\n`,
      "hooks/before-unlock": `${BEFORE_UNLOCK}${OPENED_BY_SYSTEMD}`,
      "hooks/mounted": MOUNTED,
      ...broker.pins,
    };
    const places = { folder: join(folder, "image"), machine: broker.machine };
    process.stdout.write(makeGuestImage(places, files, [NAME]));
    blankDisk(disk, 64 << 20);
    const first = await bootOf("first, makes the disk", disk, COMMAND_LINE);
    expect(first.console).toContain("made on a grant");
    expect(readFileSync(disk).includes(CANARY)).toBe(false);
  }, 600_000);

  afterAll(async () => {
    await broker.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  async function bootOf(what: string, disk: string, commandLine: string): Promise<Booted> {
    const booted = await boot(join(folder, "image"), disk, commandLine);
    process.stdout.write(`boot: ${what}: ${booted.seconds.toFixed(1)} s\n`);
    if (booted.end !== "power down") throw new Error(`the guest did not come to its end: ${booted.console}`);
    return booted;
  }

  it("opens the volume by the socket and by the header that was judged, also where the host took the disk's own away", async () => {
    const copy = join(folder, "opened");
    copyFileSync(disk, copy);
    const booted = await bootOf("systemd-cryptsetup opens", copy, COMMAND_LINE);
    const open = ["stock: attach ended with 0", `stock: ${CANARY}`, "stock: closed again"];
    const expected = [...open, "stock: the disk's own header is gone", ...open];
    expect(linesOf(booted, "stock"), booted.console).toEqual(expected);
    expect(booted.console.match(/key-given/g)).toHaveLength(2);
  }, 300_000);

  it("has no key in a guest that was started another way, and the volume stays closed", async () => {
    const before = readFileSync(disk);
    const booted = await bootOf("another command line", disk, `${COMMAND_LINE} rd.break`);
    expect(linesOf(booted, "stock"), booted.console).toEqual(["stock: attach ended with 1"]);
    expect(booted.console).toContain("key-refused");
    expect(booted.console).toContain("policy/denied");
    expect(readFileSync(disk).equals(before)).toBe(true);
  }, 300_000);
});

/** What a guest's operator writes (docs/agent.md). */
function agentFile(url: string): string {
  return `
[[broker]]
url = "${url}"
audience = "${AUDIENCE}"
signing_key = "/etc/ostiary/broker.pem"
tls_pin = "/etc/ostiary/tls-pin.pem"

[evidence]
tsm_dir = "${TSM_FOLDER}"

[[disk]]
name = "data"
device = "/dev/vda"
secret = "${PATH}"
`;
}
