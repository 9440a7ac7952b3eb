/** How is this guest's kernel hardened? What it shows of itself, as facts; what it does not show is absent. */
import type { GuestPosture } from "../../policy/guest-posture.ts";
import { type Machine, numberIn } from "./machine.ts";

/** What is neither right nor wrong by itself: a policy may ask for it. */
export type HardeningFacts = Omit<GuestPosture, "v" | "passed" | "warned" | "failed" | "agent">;

export async function hardeningFacts(machine: Machine): Promise<HardeningFacts> {
  const [kernel, lockdown, secureBoot, verity, ima, smt, uptime] = await Promise.all([
    kernelOf(machine),
    lockdownOf(machine),
    secureBootOf(machine),
    verityOf(machine),
    imaOf(machine),
    smtOf(machine),
    uptimeOf(machine),
  ]);
  return {
    ...(kernel === undefined ? {} : { kernel }),
    ...(lockdown === undefined ? {} : { lockdown }),
    ...(secureBoot === undefined ? {} : { secureBoot }),
    ...(verity === undefined ? {} : { verity }),
    ...(ima === undefined ? {} : { ima }),
    ...(smt === undefined ? {} : { smt }),
    ...(uptime === undefined ? {} : { uptime }),
  };
}

/** A release of other letters is somebody's own: it says nothing rather than too much. */
async function kernelOf(machine: Machine): Promise<string | undefined> {
  const release = (await machine.read("proc/sys/kernel/osrelease"))?.trim() ?? "";
  return /^\d{1,5}\.\d{1,5}[A-Za-z0-9._+~-]{0,50}$/.test(release) ? release : undefined;
}

/** `none [integrity] confidentiality` (security/lockdown/lockdown.c). */
async function lockdownOf(machine: Machine): Promise<HardeningFacts["lockdown"]> {
  const [, level] =
    /\[(none|integrity|confidentiality)\]/.exec((await machine.read("sys/kernel/security/lockdown")) ?? "") ??
    [];
  return level === "none" || level === "integrity" || level === "confidentiality" ? level : undefined;
}

/** UEFI's global variable: four bytes of attributes, then 1 where it is on. */
const SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

async function secureBootOf(machine: Machine): Promise<boolean | undefined> {
  const variable = await machine.read(SECURE_BOOT);
  return variable?.length === 5 ? variable.charCodeAt(4) === 1 : undefined;
}

const MAX_DISKS = 64;

/** Some disk is mapped by dm-verity (drivers/md/dm-verity, by the UUID that veritysetup gives). */
async function verityOf(machine: Machine): Promise<boolean | undefined> {
  const disks = await machine.list("sys/block");
  if (disks.length === 0) return undefined;
  const mapped = disks.filter((name) => /^dm-\d+$/.test(name)).slice(0, MAX_DISKS);
  const uuids = await Promise.all(mapped.map((name) => machine.read(`sys/block/${name}/dm/uuid`)));
  return uuids.some((uuid) => uuid?.startsWith("CRYPT-VERITY-"));
}

/** The first measurement is of the boot itself: a policy is in force where there are more. */
async function imaOf(machine: Machine): Promise<boolean | undefined> {
  const count = await numberIn(machine, "sys/kernel/security/ima/runtime_measurements_count");
  return count === undefined ? undefined : count > 1;
}

async function smtOf(machine: Machine): Promise<boolean | undefined> {
  const active = await numberIn(machine, "sys/devices/system/cpu/smt/active");
  return active === undefined ? undefined : active === 1;
}

async function uptimeOf(machine: Machine): Promise<number | undefined> {
  const [, seconds] = /^(\d{1,9})(\.\d+)? /.exec((await machine.read("proc/uptime")) ?? "") ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}
