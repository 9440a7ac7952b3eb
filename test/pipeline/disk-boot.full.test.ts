/** Does a disk open in a guest that boots, and stay shut in one that should not have it? Kernel, dm-crypt, TLS and broker are real; the chip is not. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { blankDisk, tamper } from "../agent/luks/real-disk.ts";
import {
  type Booted,
  boot,
  COMMAND_LINE,
  describeWithGuest,
  linesOf,
  makeGuestImage,
  TSM_FOLDER,
} from "../support/guest-vm.ts";
import { AUDIENCE, type BootBroker, bootBroker, PATH } from "./boot-broker.ts";

const CANARY = "the canary of this disk";

/** What each image says to the agent beside where its broker is. */
const IMAGES = { first: ["--epoch", "--format-on-grant", "--mkfs", "ext4"], ordinary: ["--epoch"] } as const;

/** What a guest does with its disk, in the place of the system on it. */
const MOUNTED = `#!/bin/sh
[ -e /sysroot/canary ] || echo '${CANARY}' >/sysroot/canary
read -r canary </sysroot/canary
echo "disk: $canary"
umount /sysroot
sync
poweroff -f
`;

describeWithGuest("a disk of a guest that boots", () => {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-boot-"));
  const at = (name: string): string => join(folder, name);
  let broker: BootBroker;

  beforeAll(async () => {
    broker = await bootBroker(at("broker"));
    for (const [image, words] of Object.entries(IMAGES)) {
      process.stdout.write(makeGuestImage({ folder: at(image), machine: broker.machine }, etcOf(words)));
    }
    blankDisk(at("disk"), 64 << 20);
  }, 120_000);

  afterAll(async () => {
    await broker.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  /** All that the guest believes: it stands in the image, which a real one measures. */
  function etcOf(words: readonly string[]): Readonly<Record<string, string>> {
    const args = [
      ...["--secret", PATH, "--broker", broker.url, "--audience", AUDIENCE],
      ...["--signing-key", "/etc/ostiary/broker.pem", "--tls-pin", "/etc/ostiary/tls-pin.pem"],
      ...["--tsm-dir", TSM_FOLDER, ...words],
    ];
    return { "unlock.args": `${args.join("\n")}\n`, ...broker.pins, "hooks/mounted": MOUNTED };
  }

  async function bootOf(
    what: string,
    disk: string,
    {
      image = "ordinary",
      commandLine = COMMAND_LINE,
    }: { readonly image?: keyof typeof IMAGES; readonly commandLine?: string } = {},
  ): Promise<Booted> {
    const booted = await boot(at(image), disk, commandLine);
    process.stdout.write(`boot: ${what}: ${booted.seconds.toFixed(1)} s\n`);
    if (booted.end === "hung") throw new Error(`the guest did not end by itself: ${booted.console}`);
    return booted;
  }

  /** A copy of the disk as it is now. */
  function copyOf(name: string): string {
    copyFileSync(at("disk"), at(name));
    return at(name);
  }

  it("is made on a grant at the first boot, and opened and mounted at the second", async () => {
    const first = await bootOf("first, formats", at("disk"), { image: "first" });
    expect(first.console).toContain("made on a grant");
    expect([first.end, linesOf(first, "disk")]).toEqual(["power down", [`disk: ${CANARY}`]]);
    expect(readFileSync(at("disk")).includes(CANARY)).toBe(false);
    copyOf("old");
    const second = await bootOf("second, opens", at("disk"));
    expect(second.console).toContain("its marker is the broker's");
    expect([second.end, linesOf(second, "disk")]).toEqual(["power down", [`disk: ${CANARY}`]]);
  }, 600_000);

  const refusals: readonly (readonly [what: string, change: (text: string) => string, code: string])[] = [
    ["tampered", (text) => text.replace('"sector_size":512', '"sector_size":4096'), "disk/forged"],
    [
      "of a null cipher",
      (text) => text.replace(/("segments":.*?"encryption":")[^"]*/, "$1cipher_null-ecb"),
      "disk/bad-header",
    ],
  ];
  it.each(refusals)(
    "stays shut where its header is %s",
    async (what, change, code) => {
      const disk = copyOf("tampered");
      const before = readFileSync(disk);
      tamper(disk, change);
      expect(readFileSync(disk).equals(before)).toBe(false);
      const booted = await bootOf(`header ${what}`, disk);
      expect([booted.end, linesOf(booted, "disk")]).toEqual(["restart", []]);
      expect(booted.console).toContain(`code: ${code}`);
      expect(booted.console).toContain("ostiary-init: the agent ended with status 1; restarting");
    },
    300_000,
  );

  it("stays shut in a guest that was started another way", async () => {
    const booted = await bootOf("other command line", copyOf("other"), {
      commandLine: `${COMMAND_LINE} rd.break`,
    });
    expect([booted.end, linesOf(booted, "disk")]).toEqual(["restart", []]);
    expect(booted.console).toContain("this guest did not boot as approved");
    expect(booted.console).toContain("code: policy/denied");
    expect(booted.console).toMatch(/id: [0-9A-Z]{26}/);
  }, 300_000);

  it("stays shut where an image of the day before was put back", async () => {
    const booted = await bootOf("old image", at("old"));
    expect([booted.end, linesOf(booted, "disk")]).toEqual(["restart", []]);
    expect(booted.console).toContain("code: disk/rolled-back");
    expect(booted.console).toContain("ostiary-init: the agent ended with status 1; restarting");
  }, 300_000);
});
