/** What does a doctor's test examine? A machine whose files the test lays out: a good one, with a few of its files changed. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Machine, machineAt } from "../../../src/agent/doctor/machine.ts";

/** `undefined` takes a file away. */
export type Files = Readonly<Record<string, string | undefined>>;

/** A guest at which the doctor finds nothing to warn of. */
export const GOOD: Files = {
  "proc/sys/kernel/osrelease": "6.12.9-cloud-amd64\n",
  "proc/cmdline": "root=/dev/vda1 ro panic=30 rd.shell=0 console=ttyS0 systemd.getty_auto=no\n",
  "dev/kmsg": "6,1,0,-;Memory Encryption Features active: AMD SEV SEV-ES SEV-SNP\n",
  "sys/devices/system/cpu/sev/vmpl": "0\n",
  "sys/kernel/config/tsm/report/keep": "",
  "proc/mounts": "none /sys/kernel/config configfs rw 0 0\ntmpfs /run tmpfs rw,nosuid,nodev 0 0\n",
  "sys/kernel/debug/swiotlb/io_tlb_nslabs": "131072\n",
  "sys/kernel/debug/swiotlb/io_tlb_used": "12\n",
  "sys/kernel/debug/swiotlb/io_tlb_used_hiwater": "4000\n",
  "proc/swaps": "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n",
  "proc/sys/kernel/core_pattern": "|/bin/false\n",
  "proc/sys/kernel/sysrq": "0\n",
  "sys/kernel/kexec_crash_loaded": "0\n",
  "proc/sys/kernel/random/entropy_avail": "256\n",
  "proc/uptime": "4711.25 9000.00\n",
  "sys/kernel/security/lockdown": "none integrity [confidentiality]\n",
  "sys/kernel/security/ima/runtime_measurements_count": "812\n",
  "sys/devices/system/cpu/smt/active": "0\n",
  "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": "\u0006\0\0\0\u0001",
  "sys/block/dm-0/dm/uuid": "CRYPT-VERITY-0a3f-root\n",
  "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu vme rdrand aes\n",
  "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
};

/** The good machine with these files in place of its own. */
export function machineWith(changes: Files = {}): Machine {
  return machineAt(laidOut({ ...GOOD, ...changes }));
}

/** A folder with these files, until the test ends. */
export function laidOut(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), "ostiary-machine-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** The good command line with these words after it. */
export function withWords(words: string): Files {
  return { "proc/cmdline": `${String(GOOD["proc/cmdline"]).trim()} ${words}\n` };
}
