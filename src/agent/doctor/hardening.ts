/** Does this guest's kernel hold against its own root and its disks? Lockdown, secure boot, verity, IMA, and where secrets lie. */
import { type Finding, finding } from "./finding.ts";
import { type HardeningFacts, hardeningFacts } from "./hardening-facts.ts";
import type { Machine } from "./machine.ts";

export async function hardeningFindings(machine: Machine): Promise<readonly Finding[]> {
  const facts = await hardeningFacts(machine);
  return [
    lockdownFinding(facts),
    ...WISHES.map((wish) => wishFinding(wish, facts)),
    threadsFinding(facts),
    await tmpfsFinding(machine),
  ];
}

function lockdownFinding({ lockdown }: HardeningFacts): Finding {
  const expected = "lockdown at `integrity` or `confidentiality`";
  if (lockdown === "integrity" || lockdown === "confidentiality")
    return finding("kernel.lockdown", "ok", { seen: lockdown, expected });
  if (lockdown === undefined) {
    const next = "build the kernel with SECURITY_LOCKDOWN_LSM, or mount securityfs to see it";
    return finding("kernel.lockdown", "note", { seen: "not shown", expected, next });
  }
  const next = "add `lockdown=confidentiality` to the measured command line: root could read kernel memory";
  return finding("kernel.lockdown", "warning", { seen: lockdown, expected, next });
}

interface Wish {
  readonly id: string;
  readonly fact: "secureBoot" | "verity" | "ima";
  readonly expected: string;
  readonly next: string;
}

/** What a guest may well do without, where its launch measurement covers what it runs. */
const WISHES: readonly Wish[] = [
  {
    id: "boot.secure-boot",
    fact: "secureBoot",
    expected: "secure boot",
    next: "sign what boots, or have the launch measurement cover it: then the firmware need not look",
  },
  {
    id: "disk.verity",
    fact: "verity",
    expected: "a disk that dm-verity checks",
    next: "put the root hash into the measured command line: then nobody changes the disk unseen",
  },
  {
    id: "kernel.ima",
    fact: "ima",
    expected: "an IMA policy that measures files",
    next: "add `ima_policy=tcb` to the measured command line, where files are not under dm-verity",
  },
];

function wishFinding({ id, fact, expected, next }: Wish, facts: HardeningFacts): Finding {
  const has = facts[fact];
  if (has === true) return finding(id, "ok", { seen: "yes", expected });
  return finding(id, "note", { seen: has === undefined ? "not shown" : "no", expected, next });
}

/** Whether the host lets another's thread run there, a guest cannot see. */
function threadsFinding({ smt }: HardeningFacts): Finding {
  const expected = "one thread for each core, or a policy that allows for two";
  if (smt === false) return finding("cpu.smt", "ok", { seen: "one thread for each core", expected });
  const seen = smt === undefined ? "not shown" : "two threads share a core";
  const next =
    "give the VM `threads=1`, and require `not guest.smt` where another's thread must not share its cores";
  return finding("cpu.smt", "note", { seen, expected, next });
}

/** Where the agent puts secrets that it is to write into files. */
async function tmpfsFinding(machine: Machine): Promise<Finding> {
  const mounts = ((await machine.read("proc/mounts")) ?? "").split("\n").map((line) => line.split(" "));
  const kind = mounts.findLast(([, place]) => place === "/run")?.[2];
  const expected = "/run in memory: tmpfs or ramfs";
  const isMemory = kind === "tmpfs" || kind === "ramfs";
  return finding("memory.tmpfs", isMemory ? "ok" : "warning", {
    seen: kind === undefined ? "/run is no mount of its own" : `/run is ${kind}`,
    expected,
    next: "`mount -t tmpfs -o nosuid,nodev tmpfs /run`: a secret in a file there would lie on a disk of the host's",
  });
}
