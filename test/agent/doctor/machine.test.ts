/** Does the doctor see what is wrong with a machine, and nothing where nothing is? One row for each finding, on laid out files. */
import { describe, expect, it } from "vitest";
import { commandLineFindings } from "../../../src/agent/doctor/command-line.ts";
import type { Finding, Severity } from "../../../src/agent/doctor/finding.ts";
import { hardeningFindings } from "../../../src/agent/doctor/hardening.ts";
import { kernelFindings } from "../../../src/agent/doctor/kernel.ts";
import { type Machine, machineAt } from "../../../src/agent/doctor/machine.ts";
import { memoryFindings } from "../../../src/agent/doctor/memory.ts";
import { postureOf } from "../../../src/agent/doctor/posture.ts";
import { timeAndChanceFindings } from "../../../src/agent/doctor/time-and-chance.ts";
import { type Files, GOOD, laidOut, machineWith, withWords } from "./laid-out.ts";

async function examined(machine: Machine): Promise<readonly Finding[]> {
  const parts = [
    kernelFindings,
    commandLineFindings,
    memoryFindings,
    hardeningFindings,
    timeAndChanceFindings,
  ];
  return (await Promise.all(parts.map((part) => part(machine)))).flat();
}

const BAD: ReadonlySet<Severity> = new Set(["error", "warning"]);

describe("a guest that is as it should be", () => {
  it("has no finding to do anything about, and what was looked at is all named", async () => {
    const findings = await examined(machineWith());
    expect(findings.filter(({ severity }) => severity !== "ok")).toEqual([]);
    expect(findings.every(({ next }) => next === undefined)).toBe(true);
    expect(findings.map(({ id }) => id)).toEqual([
      "kernel.version",
      "snp.active",
      "provider.usable",
      "snp.vmpl",
      "cmdline.panic",
      "cmdline.rd-shell",
      "cmdline.console-login",
      "boot.measured",
      "swiotlb.size",
      "swiotlb.pressure",
      "memory.swap",
      "memory.core-dump",
      "memory.kdump",
      "console.sysrq",
      "kernel.lockdown",
      "boot.secure-boot",
      "disk.verity",
      "kernel.ima",
      "cpu.smt",
      "memory.tmpfs",
      "entropy.seeded",
      "clock.source",
    ]);
  });

  it("has the same findings whatever else its command line says, after its own words too", async () => {
    const words =
      'quiet BOOT=1 rd.shell=0 init=/sbin/init resume=none mitigations=auto dm-mod.create="a b single" -- single';
    const findings = await examined(machineWith(withWords(words)));
    expect(findings.filter(({ severity }) => BAD.has(severity))).toEqual([]);
  });
});

/** What is changed, which finding it is, and how bad. */
type Row = readonly [changes: Files, id: string, severity: Severity];

const NO_SNP: Files = {
  "dev/kmsg": "6,1,0,-;Linux version 6.12\n",
  "sys/devices/system/cpu/sev/vmpl": undefined,
  "sys/kernel/config/tsm/report/keep": undefined,
};
const SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
const SWAPS = "Filename Type Size Used Priority\n";

const ROWS: Readonly<Record<string, Row>> = {
  "a kernel that is no SNP guest's": [
    { "proc/sys/kernel/osrelease": "5.10.0-30\n" },
    "kernel.version",
    "error",
  ],
  "a kernel without configfs-tsm": [
    { "proc/sys/kernel/osrelease": "6.1.0-31\n" },
    "kernel.version",
    "warning",
  ],
  "a kernel that says no version": [{ "proc/sys/kernel/osrelease": undefined }, "kernel.version", "error"],
  "no SNP": [NO_SNP, "snp.active", "error"],
  "nobody who gives reports": [NO_SNP, "provider.usable", "error"],
  "the device alone": [{ ...NO_SNP, "dev/sev-guest": "" }, "provider.usable", "note"],
  "configfs that is not mounted": [{ ...NO_SNP, "proc/mounts": "" }, "configfs.mounted", "warning"],
  "configfs without reports": [NO_SNP, "configfs.mounted", "warning"],
  "a kernel below an SVSM": [{ "sys/devices/system/cpu/sev/vmpl": "2\n" }, "snp.vmpl", "note"],
  "small bounce buffers": [
    { "sys/kernel/debug/swiotlb/io_tlb_nslabs": "16384\n" },
    "swiotlb.size",
    "warning",
  ],
  "small bounce buffers of the command line": [
    { ...withWords("swiotlb=16384,force"), "sys/kernel/debug/swiotlb/io_tlb_nslabs": undefined },
    "swiotlb.size",
    "warning",
  ],
  "bounce buffers that are not shown": [
    { "sys/kernel/debug/swiotlb/io_tlb_nslabs": undefined },
    "swiotlb.size",
    "note",
  ],
  "bounce buffers nearly full": [
    { "sys/kernel/debug/swiotlb/io_tlb_used_hiwater": "110000\n" },
    "swiotlb.pressure",
    "warning",
  ],
  "bounce buffers full": [
    { "sys/kernel/debug/swiotlb/io_tlb_used_hiwater": "131072\n" },
    "swiotlb.pressure",
    "error",
  ],
  "bounce buffers that were full": [
    { "dev/kmsg": `${GOOD["dev/kmsg"]}4,2,9,-;virtio_net: swiotlb buffer is full (sz: 4096 bytes)\n` },
    "swiotlb.pressure",
    "error",
  ],
  "swap on a disk": [{ "proc/swaps": `${SWAPS}/dev/vdb2 partition 1 0 -2\n` }, "memory.swap", "error"],
  "swap in a file": [{ "proc/swaps": `${SWAPS}/swapfile file 1 0 -2\n` }, "memory.swap", "error"],
  "swap on a mapping that is no encryption": [
    { "proc/swaps": `${SWAPS}/dev/dm-0 partition 1 0 -2\n`, "sys/block/dm-0/dm/uuid": "LVM-x\n" },
    "memory.swap",
    "error",
  ],
  "core dumps": [
    { "proc/sys/kernel/core_pattern": "|/lib/systemd/systemd-coredump %P\n" },
    "memory.core-dump",
    "warning",
  ],
  "a crash kernel": [{ "sys/kernel/kexec_crash_loaded": "1\n" }, "memory.kdump", "error"],
  "memory for a crash kernel": [withWords("crashkernel=256M"), "memory.kdump", "warning"],
  "SysRq for everything": [{ "proc/sys/kernel/sysrq": "1\n" }, "console.sysrq", "warning"],
  "SysRq for dumps": [{ "proc/sys/kernel/sysrq": "438\n" }, "console.sysrq", "ok"],
  "SysRq for signals": [{ "proc/sys/kernel/sysrq": "64\n" }, "console.sysrq", "warning"],
  "little randomness": [{ "proc/sys/kernel/random/entropy_avail": "12\n" }, "entropy.seeded", "warning"],
  "a processor without rdrand": [{ "proc/cpuinfo": "flags : fpu\n" }, "entropy.seeded", "warning"],
  "a processor that is not trusted": [withWords("random.trust_cpu=off"), "entropy.seeded", "warning"],
  "the host's clock": [
    { "sys/devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock\n" },
    "clock.source",
    "note",
  ],
  "a kernel that root may read": [
    { "sys/kernel/security/lockdown": "[none] integrity confidentiality\n" },
    "kernel.lockdown",
    "warning",
  ],
  "a kernel without lockdown": [{ "sys/kernel/security/lockdown": undefined }, "kernel.lockdown", "note"],
  "no secure boot": [{ [SECURE_BOOT]: "\u0006\0\0\0\0" }, "boot.secure-boot", "note"],
  "a secure boot that is no variable of UEFI's": [{ [SECURE_BOOT]: "\u0001" }, "boot.secure-boot", "note"],
  "disks without verity": [{ "sys/block/dm-0/dm/uuid": "CRYPT-LUKS2-x\n" }, "disk.verity", "note"],
  "files that are not measured": [
    { "sys/kernel/security/ima/runtime_measurements_count": "1\n" },
    "kernel.ima",
    "note",
  ],
  "threads that share cores": [{ "sys/devices/system/cpu/smt/active": "1\n" }, "cpu.smt", "note"],
  "secrets on a disk": [{ "proc/mounts": "/dev/vda1 /run ext4 rw 0 0\n" }, "memory.tmpfs", "warning"],
  "no /run of its own": [{ "proc/mounts": "tmpfs /run/lock tmpfs rw 0 0\n" }, "memory.tmpfs", "warning"],
  "something laid over /run": [
    { "proc/mounts": "tmpfs /run tmpfs rw 0 0\n/dev/vdb /run ext4 rw 0 0\n" },
    "memory.tmpfs",
    "warning",
  ],
  "a kernel that a boot loader chose": [withWords("BOOT_IMAGE=/vmlinuz"), "boot.measured", "warning"],
  "no panic": [{ "proc/cmdline": "rd.shell=0\n" }, "cmdline.panic", "warning"],
  "a panic that waits for ever": [{ "proc/cmdline": "panic=0 rd.shell=0\n" }, "cmdline.panic", "warning"],
  "dracut's shell": [{ "proc/cmdline": "panic=30\n" }, "cmdline.rd-shell", "warning"],
  "a login on the serial console": [{ "proc/cmdline": "console=hvc0\n" }, "cmdline.console-login", "warning"],
};

describe("a guest with one thing wrong", () => {
  it.each(Object.keys(ROWS))("%s", async (name) => {
    const [changes, id, severity] = ROWS[name] ?? [{}, "", "ok"];
    const found = (await examined(machineWith(changes))).find((one) => one.id === id);
    expect(found?.severity).toBe(severity);
    expect(found?.next === undefined).toBe(severity === "ok");
  });
});

/** Words of a command line, and the hazard that each is. */
const HAZARDS: Readonly<Record<string, readonly string[]>> = {
  "cmdline.initramfs-shell": [
    "rd.break",
    "rd.break=pre-mount",
    "rd.shell",
    "rd.shell=1",
    "break",
    "break=premount",
  ],
  "cmdline.debug-shell": [
    "systemd.debug_shell",
    "systemd.debug-shell=1",
    "rd.systemd.debug_shell",
    "systemd.debug_shell=ttyS0",
  ],
  "cmdline.rescue": [
    "single",
    "1",
    "s",
    "emergency",
    "systemd.unit=rescue.target",
    "rd.systemd.unit=emergency.target",
  ],
  "cmdline.init": ["init=/bin/sh", "rdinit=/bin/bash", "init=/sbin/init2"],
  "cmdline.debugger": ["kgdboc=ttyS0", "kgdbwait", "sysrq_always_enabled"],
  "cmdline.mitigations": ["mitigations=off", "nopti", "spectre_v2=off"],
  "cmdline.memory-encryption": ["mem_encrypt=off", "swiotlb=noforce"],
  "cmdline.hibernation": ["resume=/dev/vda2", "resume=UUID=1"],
  "cmdline.nokaslr": ["nokaslr"],
  "cmdline.module-signatures": ["module.sig_enforce=0", "selinux=0", "lockdown=none"],
  "cmdline.host-configuration": ["ds=nocloud-net;s=http://10.0.0.1/", "systemd.set_credential=a:b"],
  "cmdline.debug": ["debug", "ignore_loglevel", "rd.debug", "systemd.log_level=debug"],
};
const HARMLESS = [
  "systemd.debug_shell=0",
  "init=/usr/lib/systemd/systemd",
  "rdinit=/init",
  "resume=none",
  "root=LABEL=single",
  "mitigations=auto,nosmt",
  "module.sig_enforce=1",
  "lockdown=confidentiality",
  "swiotlb=65536",
  "rd.shell=0",
  "debugfs=off",
  "breakfast",
];

describe("a command line", () => {
  const words = Object.entries(HAZARDS).flatMap(([id, found]) => found.map((word) => [word, id] as const));
  it.each(words)("`%s` is %s and no other hazard", async (word, id) => {
    const found = await commandLineFindings(machineWith(withWords(word)));
    const hazards = found.filter((one) => Object.hasOwn(HAZARDS, one.id));
    expect(hazards.map((one) => one.id)).toEqual([id]);
    expect(hazards[0]?.seen).toContain(word);
  });

  it.each(HARMLESS)("`%s` is none", async (word) => {
    const found = await commandLineFindings(machineWith(withWords(word)));
    expect(found.filter(({ id }) => Object.hasOwn(HAZARDS, id))).toEqual([]);
  });
});

describe("swap that the host cannot read", () => {
  it.each([
    ["in memory", { "proc/swaps": `${SWAPS}/dev/zram0 partition 1 0 100\n` }],
    [
      "under dm-crypt",
      {
        "proc/swaps": `${SWAPS}/dev/dm-1 partition 1 0 -2\n`,
        "sys/block/dm-1/dm/uuid": "CRYPT-PLAIN-swap\n",
      },
    ],
  ])("is well: %s", async (_, changes) => {
    const found = (await memoryFindings(machineWith(changes))).find(({ id }) => id === "memory.swap");
    expect(found?.severity).toBe("ok");
  });
});

describe("whatever a machine says", () => {
  it("an empty one is examined to the end", async () => {
    const findings = await examined(machineAt(laidOut({})));
    expect(findings.find(({ id }) => id === "snp.active")?.severity).toBe("error");
  });

  it("what is seen is short and printable, and a file that never ends is not read to its end", async () => {
    const machine = machineWith(withWords(`init=/\u001b[31m${"x".repeat(5000)}`));
    const found = (await commandLineFindings(machine)).find(({ id }) => id === "cmdline.init");
    expect(found?.seen).toMatch(/^[\x20-\x7e…]{1,200}$/);
    const text = await machineAt("/").read("dev/zero");
    expect(text?.length).toBe(1024 * 1024);
  });

  it("a broker is told names alone, each once, in order", async () => {
    const findings = await examined(machineWith(withWords("single init=/bin/sh nokaslr")));
    const { passed, ...rest } = postureOf([...findings, ...findings]);
    expect(rest).toEqual({
      v: 1,
      warned: ["cmdline.nokaslr"],
      failed: ["cmdline.init", "cmdline.rescue"],
    });
    expect(passed).toContain("memory.swap");
    expect(passed).toEqual([...new Set(passed)].sort());
  });
});
