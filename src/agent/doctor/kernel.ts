/** Is this an SEV-SNP guest, and can its kernel say so? Version, privilege level, and who gives reports. */
import { type Finding, finding } from "./finding.ts";
import { type Machine, numberIn } from "./machine.ts";

export async function kernelFindings(machine: Machine): Promise<readonly Finding[]> {
  const ways = await waysOf(machine);
  return [
    versionFinding((await machine.read("proc/sys/kernel/osrelease"))?.trim() ?? ""),
    await activeFinding(machine, ways),
    waysFinding(ways),
    ...(await levelFindings(machine)),
    ...(await configfsFindings(machine, ways)),
  ];
}

/** Since when Linux can do what (configfs-tsm: ABI/testing/configfs-tsm-report; guests: arch/x86/coco/sev). */
const GUEST_SINCE = [5, 19] as const;
const CONFIGFS_SINCE = [6, 7] as const;

function versionFinding(release: string): Finding {
  const [, major = "0", minor = "0"] = /^(\d{1,3})\.(\d{1,3})/.exec(release) ?? [];
  const isSince = ([a, b]: readonly [number, number]): boolean =>
    Number(major) > a || (Number(major) === a && Number(minor) >= b);
  const expected = "Linux 6.7 or later";
  if (isSince(CONFIGFS_SINCE)) return finding("kernel.version", "ok", { seen: release, expected });
  if (isSince(GUEST_SINCE)) {
    const next = "load sev-guest and use /dev/sev-guest, or update the kernel: configfs-tsm came with 6.7";
    return finding("kernel.version", "warning", { seen: release, expected, next });
  }
  const next = "update the kernel: Linux runs as an SEV-SNP guest from 5.19 on";
  return finding("kernel.version", "error", {
    seen: release === "" ? "no version" : release,
    expected,
    next,
  });
}

interface Ways {
  readonly configfs: boolean;
  readonly device: boolean;
  readonly tpm: boolean;
}

async function waysOf(machine: Machine): Promise<Ways> {
  return {
    configfs: await machine.has("sys/kernel/config/tsm/report"),
    device: await machine.has("dev/sev-guest"),
    tpm: (await machine.has("dev/tpmrm0")) || (await machine.has("dev/tpm0")),
  };
}

/** What Linux writes into its log as it starts (arch/x86/mm/mem_encrypt.c). */
const ACTIVE = /Memory Encryption Features active: .*\bSEV-SNP\b/;

async function activeFinding(machine: Machine, { configfs, device }: Ways): Promise<Finding> {
  const isSaid = ACTIVE.test((await machine.read("dev/kmsg")) ?? "");
  const level = await numberIn(machine, "sys/devices/system/cpu/sev/vmpl");
  const hints = [
    ...(isSaid ? ["the kernel's log names SEV-SNP"] : []),
    ...(level === undefined ? [] : [`the kernel runs at VMPL ${level}`]),
    ...(configfs ? ["configfs-tsm is there"] : []),
    ...(device ? ["/dev/sev-guest is there"] : []),
  ];
  const expected = "a guest with SEV-SNP active";
  if (hints.length > 0) return finding("snp.active", "ok", { seen: hints.join(", "), expected });
  const next =
    "start the VM as an SEV-SNP guest; then `modprobe sev-guest`, and look at `dmesg | grep -i sev`";
  return finding("snp.active", "error", { seen: "no sign of SEV-SNP", expected, next });
}

function waysFinding({ configfs, device, tpm }: Ways): Finding {
  const ways = [
    ...(configfs ? ["configfs-tsm"] : []),
    ...(device ? ["/dev/sev-guest"] : []),
    ...(tpm ? ["a TPM"] : []),
  ];
  const expected = "configfs-tsm, /dev/sev-guest, or the TPM of a paravisor";
  if (configfs) return finding("provider.usable", "ok", { seen: ways.join(", "), expected });
  if (device || tpm) {
    const next =
      "where the kernel is 6.7 or later, `modprobe sev-guest` and mount configfs: that is the way to prefer";
    return finding("provider.usable", "note", { seen: ways.join(", "), expected, next });
  }
  const next = "`mount -t configfs none /sys/kernel/config; modprobe sev-guest`, in the initramfs as well";
  return finding("provider.usable", "error", { seen: "none of them", expected, next });
}

async function levelFindings(machine: Machine): Promise<readonly Finding[]> {
  const level = await numberIn(machine, "sys/devices/system/cpu/sev/vmpl");
  if (level === undefined) return [];
  const expected = "VMPL 0, or an SVSM or paravisor above this kernel";
  if (level === 0) return [finding("snp.vmpl", "ok", { seen: "VMPL 0", expected })];
  const next = `reports are of level ${level} and not 0: the policy's \`vmpl\` has to say so, and the SVSM has to be one that it names`;
  return [finding("snp.vmpl", "note", { seen: `VMPL ${level}`, expected, next })];
}

async function configfsFindings(machine: Machine, { configfs }: Ways): Promise<readonly Finding[]> {
  if (configfs) return [];
  const mounts = (await machine.read("proc/mounts")) ?? "";
  const isMounted = /^\S+ \/sys\/kernel\/config configfs /m.test(mounts);
  const expected = "configfs at /sys/kernel/config with `tsm/report` in it";
  const seen = isMounted ? "configfs without `tsm/report`" : "configfs is not mounted";
  const next = isMounted ? "`modprobe sev-guest`" : "`mount -t configfs none /sys/kernel/config`";
  return [finding("configfs.mounted", "warning", { seen, expected, next })];
}
