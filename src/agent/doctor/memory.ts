/** Is there room for what the host may read, and does nothing else of memory get out? SWIOTLB, swap, dumps, SysRq. */
import { type Finding, finding, type Severity } from "./finding.ts";
import { commandLineOf, type Machine, numberIn } from "./machine.ts";

export async function memoryFindings(machine: Machine): Promise<readonly Finding[]> {
  return [
    ...(await bounceFindings(machine)),
    await swapFinding(machine),
    await coreFinding(machine),
    await kdumpFinding(machine),
    await sysrqFinding(machine),
  ];
}

/** IO_TLB_SHIFT (Linux, include/linux/swiotlb.h). */
const SLAB_BYTES = 2048;
const MIB = 1024 * 1024;
/** What Linux takes at least in an SEV guest; it takes 6 % of the memory up to 1 GiB (arch/x86/mm/mem_encrypt.c). */
const LEAST_MIB = 64;
const TIGHT = 0.8;

interface Bounce {
  readonly slabs: number | undefined;
  readonly used: number | undefined;
  readonly most: number | undefined;
}

async function bounceFindings(machine: Machine): Promise<readonly Finding[]> {
  const folder = "sys/kernel/debug/swiotlb";
  const bounce: Bounce = {
    slabs: (await numberIn(machine, `${folder}/io_tlb_nslabs`)) ?? slabsOf(await commandLineOf(machine)),
    used: await numberIn(machine, `${folder}/io_tlb_used`),
    most: await numberIn(machine, `${folder}/io_tlb_used_hiwater`),
  };
  const isFull = /swiotlb buffer is full/.test((await machine.read("dev/kmsg")) ?? "");
  return [sizeFinding(bounce), pressureFinding(bounce, isFull)];
}

/** `swiotlb=65536,force`: slabs (admin-guide/kernel-parameters.txt). */
function slabsOf(words: readonly string[]): number | undefined {
  const [, slabs] =
    /^swiotlb=(\d{1,9})/.exec(words.findLast((word) => word.startsWith("swiotlb=")) ?? "") ?? [];
  return slabs === undefined ? undefined : Number(slabs);
}

function sizeFinding({ slabs }: Bounce): Finding {
  const expected = `bounce buffers of ${LEAST_MIB} MiB at least, or the kernel's own choice`;
  if (slabs === undefined) {
    const next = "mount debugfs to see them: `mount -t debugfs none /sys/kernel/debug`";
    return finding("swiotlb.size", "note", { seen: "not shown", expected, next });
  }
  const mib = Math.floor((slabs * SLAB_BYTES) / MIB);
  const next = `take \`swiotlb=\` out of the command line, or give ${(LEAST_MIB * MIB) / SLAB_BYTES} slabs and more`;
  return finding("swiotlb.size", mib < LEAST_MIB ? "warning" : "ok", { seen: `${mib} MiB`, expected, next });
}

function pressureFinding({ slabs, used, most }: Bounce, isFull: boolean): Finding {
  const expected = `less than ${TIGHT * 100} % of the bounce buffers in use`;
  const next =
    "give more slabs: `swiotlb=262144` (512 MiB); disks and networks stall where there are none left";
  if (isFull)
    return finding("swiotlb.pressure", "error", {
      seen: "the kernel's log says that they were full",
      expected,
      next,
    });
  const peak = most ?? used;
  if (slabs === undefined || slabs === 0 || peak === undefined) {
    return finding("swiotlb.pressure", "note", {
      seen: "not shown",
      expected,
      next: "mount debugfs to see it",
    });
  }
  const part = peak / slabs;
  const severity: Severity = part >= 1 ? "error" : part >= TIGHT ? "warning" : "ok";
  return finding("swiotlb.pressure", severity, {
    seen: `${Math.round(part * 100)} % at most`,
    expected,
    next,
  });
}

/** Memory that goes to a disk of the host's takes keys along; in memory itself (zram) or under dm-crypt it does not. */
async function swapFinding(machine: Machine): Promise<Finding> {
  const expected = "no swap, zram, or swap under dm-crypt";
  const lines = ((await machine.read("proc/swaps")) ?? "").split("\n").slice(1);
  const places = lines.map((line) => line.split(/\s+/, 1).join("")).filter((place) => place !== "");
  const plain: string[] = [];
  for (const place of places) if (!(await isCovered(machine, place))) plain.push(place); // in order, few
  const seen = places.length === 0 ? "no swap" : places.join(", ");
  if (plain.length === 0) return finding("memory.swap", "ok", { seen, expected });
  const next =
    "`swapoff` it; use zram, or dm-crypt with a key that is random at each boot (crypttab: /dev/urandom, swap)";
  return finding("memory.swap", "error", { seen: `${plain.join(", ")} in the clear`, expected, next });
}

async function isCovered(machine: Machine, place: string): Promise<boolean> {
  const name = /^\/dev\/(zram\d+|dm-\d+)$/.exec(place)?.[1];
  if (name === undefined) return false;
  return (
    name.startsWith("zram") || ((await machine.read(`sys/block/${name}/dm/uuid`)) ?? "").startsWith("CRYPT-")
  );
}

async function coreFinding(machine: Machine): Promise<Finding> {
  const pattern = ((await machine.read("proc/sys/kernel/core_pattern")) ?? "").trim();
  const limits = (await machine.read("proc/self/limits")) ?? "";
  const isLimited = /^Max core file size\s+0\s/m.test(limits) && !pattern.startsWith("|");
  const isNowhere =
    pattern === "" || /^\|\/(usr\/)?bin\/(false|true)( |$)/.test(pattern) || pattern === "/dev/null";
  return finding("memory.core-dump", isNowhere || isLimited ? "ok" : "warning", {
    seen: isLimited && !isNowhere ? "no core dumps of this process" : `core_pattern \`${pattern}\``,
    expected: "no core dumps",
    next: "`sysctl kernel.core_pattern='|/bin/false'`, and LimitCORE=0 in the units that hold keys",
  });
}

async function kdumpFinding(machine: Machine): Promise<Finding> {
  const isLoaded = (await numberIn(machine, "sys/kernel/kexec_crash_loaded")) === 1;
  const isKept = (await commandLineOf(machine)).some((word) => /^crashkernel=(?!0)/.test(word));
  const severity: Severity = isLoaded ? "error" : isKept ? "warning" : "ok";
  return finding("memory.kdump", severity, {
    seen: isLoaded
      ? "a crash kernel is loaded"
      : isKept
        ? "memory is kept for a crash kernel"
        : "no crash kernel",
    expected: "no crash kernel",
    next: "disable kdump and take `crashkernel=` away: a dump writes all keys to a disk",
  });
}

async function sysrqFinding(machine: Machine): Promise<Finding> {
  const mask = (await numberIn(machine, "proc/sys/kernel/sysrq")) ?? 0;
  // 1 is everything, 8 debugging dumps, 64 signals to processes (admin-guide/sysrq.rst).
  const isOpen = mask === 1 || (mask & (8 | 64)) !== 0;
  return finding("console.sysrq", isOpen ? "warning" : "ok", {
    seen: `kernel.sysrq ${mask}`,
    expected: "0, or at most sync, remount and reboot (176)",
    next: "`sysctl kernel.sysrq=0`: the host's console can dump memory and end programs by it",
  });
}
