/** Does the command line leave a door open for whoever has the console? Words that open one, and words that are missing. */
import { type Finding, finding, type Severity } from "./finding.ts";
import { commandLineOf, type Machine } from "./machine.ts";

/** A word that should not be there: what it does, in one sentence. */
interface Hazard {
  readonly id: string;
  readonly severity: Severity;
  readonly matches: RegExp;
  readonly does: string;
}

/**
 * The console of a VM is its host's. Sources: dracut.cmdline(7), initramfs-tools(7), systemd.unit names in systemd(1) and
 * kernel-command-line(7), Linux, admin-guide/kernel-parameters.txt.
 */
const HAZARDS: readonly Hazard[] = [
  {
    id: "cmdline.initramfs-shell",
    severity: "error",
    matches: /^(rd\.break(=.*)?|rdbreak|rd\.shell(=(1|yes|on|true))?|break(=.*)?)$/,
    does: "the initramfs stops at a shell on the console",
  },
  {
    id: "cmdline.debug-shell",
    severity: "error",
    matches: /^(rd\.)?systemd\.(debug[-_]shell)(=(?!0$|no$|off$|false$).*)?$/,
    does: "systemd keeps a root shell on a console",
  },
  {
    id: "cmdline.rescue",
    severity: "error",
    matches:
      /^(single|s|S|1|emergency|rescue|-b|(rd\.)?systemd\.unit=(rescue|emergency)(\.target)?|rd\.rescue|rd\.emergency)$/,
    does: "the system starts into a shell for repairs",
  },
  {
    id: "cmdline.init",
    severity: "error",
    matches: /^(init|rdinit)=(?!\/(usr\/)?(sbin\/init|lib\/systemd\/systemd|bin\/init)$|\/init$)/,
    does: "another program than the system's own is the first",
  },
  {
    id: "cmdline.debugger",
    severity: "error",
    matches: /^(kgdboc|kgdbwait|kgdbdbgp|ekgdboc|earlyprintk=.*keep|sysrq_always_enabled)(=|$)/,
    does: "the console can stop the kernel and read its memory",
  },
  {
    id: "cmdline.mitigations",
    severity: "error",
    matches: /^(mitigations=off|nospectre_v[12]|spectre_v2=off|spec_store_bypass_disable=off|nopti|pti=off)$/,
    does: "mitigations of processor faults are off",
  },
  {
    id: "cmdline.memory-encryption",
    severity: "error",
    matches: /^(mem_encrypt=off|swiotlb=noforce|sev=nosnp)$/,
    does: "memory is not encrypted, or devices cannot reach what is shared with them",
  },
  {
    id: "cmdline.hibernation",
    severity: "error",
    matches: /^resume=(?!none$)/,
    does: "memory is written to a disk at hibernation, keys and all",
  },
  {
    id: "cmdline.nokaslr",
    severity: "warning",
    matches: /^nokaslr$/,
    does: "kernel addresses are known beforehand",
  },
  {
    id: "cmdline.module-signatures",
    severity: "warning",
    matches: /^(module\.sig_enforce=0|lockdown=none|selinux=0|apparmor=0|ima_appraise=(off|fix|log))$/,
    does: "a check of what is loaded or run is off",
  },
  {
    id: "cmdline.host-configuration",
    severity: "warning",
    matches: /^(ds=nocloud.*|systemd\.set_credential(_binary)?[.:=].*|ignition\.platform\.id=qemu|fw_cfg)/,
    does: "the host may configure users and programs of this guest",
  },
  {
    id: "cmdline.debug",
    severity: "note",
    matches:
      /^(debug|ignore_loglevel|initcall_debug|(rd\.)?udev\.log[-_](level|priority)=debug|rd\.debug|systemd\.log[-_]level=debug|dyndbg=.*|.*\.dyndbg=.*)$/,
    does: "much is written to the console, which the host reads",
  },
];

export async function commandLineFindings(machine: Machine): Promise<readonly Finding[]> {
  const words = await commandLineOf(machine);
  const before = words.indexOf("--");
  const own = before < 0 ? words : words.slice(0, before);
  return [
    ...HAZARDS.flatMap((hazard) => hazardFinding(hazard, own)),
    ...missingFindings(own),
    ...consoleFindings(own),
    bootFinding(own),
  ];
}

function hazardFinding(
  { id, severity, matches, does }: Hazard,
  words: readonly string[],
): readonly Finding[] {
  const found = words.filter((word) => matches.test(word));
  if (found.length === 0) return [];
  const next =
    "take it out of the measured command line, or whoever has the console has the guest after it attested";
  return [finding(id, severity, { seen: `\`${found.join(" ")}\`: ${does}`, expected: "none of it", next })];
}

/** What dracut and initramfs-tools do when a step fails, unless they are told otherwise: a shell. */
function missingFindings(words: readonly string[]): readonly Finding[] {
  const lastOf = (name: string) =>
    words.findLast((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const panic = lastOf("panic");
  const isPanic = panic !== undefined && /^-?\d+$/.test(panic) && Number(panic) !== 0;
  const shell = lastOf("rd.shell");
  const isShut = shell !== undefined && /^(0|no|off|false)$/.test(shell);
  return [
    finding("cmdline.panic", isPanic ? "ok" : "warning", {
      seen: panic === undefined ? "no `panic=`" : `\`panic=${panic}\``,
      expected: "`panic=` with a number of seconds that is not 0, or with -1",
      next: "add `panic=30`: without it initramfs-tools gives a shell where the disk does not open, and a kernel that failed stays as it is",
    }),
    finding("cmdline.rd-shell", isShut ? "ok" : "warning", {
      seen: shell === undefined ? "no `rd.shell=`" : `\`rd.shell=${shell}\``,
      expected: "`rd.shell=0`",
      next: "add `rd.shell=0 rd.emergency=reboot`: without it dracut gives a shell where the disk does not open",
    }),
  ];
}

const SERIAL = /^console=(ttyS|ttyAMA|hvc|ttysclp)\d*/;

/** systemd starts a login on the console that the kernel uses (systemd-getty-generator(8)). */
function consoleFindings(words: readonly string[]): readonly Finding[] {
  const serial = words.filter((word) => SERIAL.test(word));
  if (serial.length === 0) return [];
  const isShut = words.some((word) => /^systemd\.getty_auto=(0|no|off|false)$/.test(word));
  return [
    finding("cmdline.console-login", isShut ? "ok" : "warning", {
      seen: `\`${serial.join(" ")}\`${isShut ? " without a login" : ""}`,
      expected: "no login on a console that the host reads",
      next: "add `systemd.getty_auto=no`, or mask serial-getty@.service in the image; no account should have a password",
    }),
  ];
}

/** A guest cannot see its launch measurement's parts: which boot loader named the kernel is a hint, and no proof. */
function bootFinding(words: readonly string[]): Finding {
  const loader = words.find((word) => /^BOOT_IMAGE=/.test(word));
  const expected = "a kernel, initramfs and command line that the launch measurement covers";
  if (loader === undefined)
    return finding("boot.measured", "ok", { seen: "no boot loader is named", expected });
  const next =
    "start with kernel hashes (QEMU: kernel-hashes=on), a UKI or an IGVM, or require the PCRs of an attested vTPM: else the host chooses the kernel";
  return finding("boot.measured", "warning", {
    seen: `a boot loader chose the kernel (\`${loader}\`)`,
    expected,
    next,
  });
}
