/** What does the kernel mean by an error of configfs-tsm, and what is to be done? */
import { Fault, type FaultDetail, systemCodeOf } from "../../base/fault.ts";

const NO_ENTRY: Readonly<Record<string, string>> = {
  ENOENT:
    "mount configfs and load the module: `mount -t configfs none /sys/kernel/config; modprobe sev-guest`",
  EACCES: "run the agent as root, or let its user make entries there",
  EPERM: "run the agent as root, or let its user make entries there",
  ENXIO: "load the module, inside an SEV-SNP guest: `modprobe sev-guest`",
  EROFS: "mount configfs there: `mount -t configfs none /sys/kernel/config`",
};

/** What drivers/virt/coco/sev-guest answers when it makes the report. */
const NO_REPORT: Readonly<Record<string, string>> = {
  EINVAL:
    "the firmware takes neither this level nor this key: look at --vmpl, which has to be the floor or above",
  ENXIO: "the firmware refuses with a status of its own, or the module is gone: look at the kernel's log",
  EIO: "the host did not carry the message; the kernel may have wiped its key, which the next request shows",
  ETIMEDOUT:
    "the host held the message up for a minute; the kernel has wiped its key, and only a reboot brings it back",
  EBADMSG:
    "the answer was not the firmware's; the kernel has wiped its key, and only a reboot brings it back",
  EFBIG: "the host gives more certificates than the kernel takes",
  EACCES: "run the agent as root",
};

/** No entry can be made. */
export function notThere(folder: string, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  const advice = NO_ENTRY[reason] ?? "look at the kernel's log";
  return tsmUnavailable(`cannot be used at \`${folder}\`: ${advice}`, { folder, reason }, thrown);
}

/** There is an entry, and no report comes of it. */
export function notReadable(thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  const advice = NO_REPORT[reason] ?? "look at the kernel's log";
  return tsmUnavailable(`gave no report (${reason}): ${advice}`, { reason }, thrown);
}

export function tsmUnavailable(what: string, detail: FaultDetail = {}, cause?: unknown): Fault {
  return new Fault("provider/unavailable", `configfs-tsm ${what}`, detail, cause);
}
