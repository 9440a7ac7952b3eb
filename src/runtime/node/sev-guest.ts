/** How does Node speak to /dev/sev-guest? By ioctl of the C library that it runs on already, off the event loop; native code is loaded with the device. */
import type { Stats } from "node:fs";
import { open } from "node:fs/promises";
import { arch, platform } from "node:process";
import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import type { SevGuestDevice } from "../../agent/providers/sev-guest.ts";
import type { GuestRequest, Memory } from "../../agent/providers/sev-guest-abi.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { addressOf, allocated } from "../../kek/pkcs11/memory.ts";

/**
 * Opens the device.
 *
 * @param isAsked - Whether what lies at the path may be asked: of a plain file ENOTTY would seem to say that the key is gone.
 * @throws {@link Fault} `provider/unavailable`.
 */
export async function openSevGuestDevice(
  path: string,
  isAsked: (stats: Stats) => boolean = (stats) => stats.isCharacterDevice(),
): Promise<SevGuestDevice> {
  // The layout is that of a machine with words of eight bytes, little-endian; AMD makes no other.
  if (platform !== "linux" || arch !== "x64") throw unavailable(path, "is a device of Linux on x86-64");
  const file = await open(path, "r+").catch((thrown: unknown) => {
    const reason = systemCodeOf(thrown);
    throw unavailable(path, `cannot be opened (${reason}): ${ADVICE[reason] ?? "look at the kernel's log"}`);
  });
  try {
    if (!isAsked(await file.stat())) throw unavailable(path, "is not a device");
    const ioctl = ioctlOf(file.fd);
    return { allocate, ioctl, close: () => file.close() };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: "load the module, inside an SEV-SNP guest: `modprobe sev-guest`",
  ENODEV: "load the module, inside an SEV-SNP guest: `modprobe sev-guest`",
  EACCES: "run the agent as root, or let its user open the device",
  EPERM: "run the agent as root, or let its user open the device",
};

function allocate(size: number): Memory {
  const bytes = allocated(size);
  return { bytes, address: addressOf(bytes) };
}

/** INVARIANT: a request is held while the kernel has its address, with all that it points to. */
const HELD = new Set<GuestRequest>();

function ioctlOf(fd: number): SevGuestDevice["ioctl"] {
  const call = koffi.load(null).func("ioctl", "int", ["int", "ulong", "uint64"]);
  return (request, argument) =>
    new Promise((done, failed) => {
      HELD.add(argument);
      call.async(fd, request, argument.ioctl.address, (thrown: unknown, answered: unknown) => {
        HELD.delete(argument);
        if (answered === 0) done();
        else failed(thrown ?? systemError());
      });
    });
}

function systemError(): Error {
  const code = getSystemErrorName(-koffi.errno());
  return Object.assign(new Error(`ioctl: ${code}`), { code });
}

function unavailable(path: string, what: string): Fault {
  return new Fault("provider/unavailable", `\`${path}\` ${what}`, { path });
}
