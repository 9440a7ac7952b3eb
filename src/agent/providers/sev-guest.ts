/** How does a guest get its report from a kernel before 6.7? By ioctl on /dev/sev-guest, with the host's certificates where they find room. */
import type { CarriedRaw } from "../../attestation/evidence.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { isZero } from "../../base/bytes.ts";
import { Fault, type FaultDetail, isFault, systemCodeOf } from "../../base/fault.ts";
import type { Vmpl } from "../../wire/messages.ts";
import { refuseOtherSize, reportOver } from "./report-over.ts";
import {
  type Allocate,
  exitInfoIn,
  type GuestRequest,
  guestRequest,
  HOST_BUSY,
  HOST_INVALID_LENGTH,
  reportIn,
  SNP_GET_EXT_REPORT,
  SNP_GET_REPORT,
  wantedCertificateBytes,
} from "./sev-guest-abi.ts";
import type { SharedChannel } from "./shared-channel.ts";

/** The device, opened. */
export interface SevGuestDevice {
  readonly allocate: Allocate;
  /**
   * Off the event loop: the kernel asks a host that throttles again for a minute.
   *
   * Throws an error with the system's `code`.
   */
  readonly ioctl: (request: number, argument: GuestRequest) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface SevGuestOptions {
  /** Opens /dev/sev-guest; throws a {@link Fault} `provider/unavailable`. */
  readonly open: () => Promise<SevGuestDevice>;
  readonly channel: SharedChannel;
  /** The privilege level of reports, 0 unless it is said: the device does not tell at which the guest runs. */
  readonly vmpl?: Vmpl | undefined;
}

/** What a table of four certificates needs. */
const FIRST_ROOM = 0x4000;
/** The host may find another table between the two, and no third. */
const MAX_TRIES = 3;

/**
 * Opens the device, to see that it is there.
 *
 * @throws {@link Fault} `provider/unavailable`.
 * @see Linux, Documentation/virt/coco/sev-guest.rst; drivers/virt/coco/sev-guest/sev-guest.c
 */
export async function openSevGuest(options: SevGuestOptions): Promise<EvidenceProvider<CarriedRaw>> {
  const { open, channel, vmpl = 0 } = options;
  await (await open()).close();
  return {
    name: "sev-guest",
    format: "raw",
    vmpl,
    attest: async (reportData) => {
      refuseOtherSize(reportData);
      const own = reportData.slice();
      const device = await open();
      try {
        return await reportFrom(device, { reportData: own, vmpl }, channel);
      } finally {
        await device.close();
      }
    },
  };
}

interface Asked {
  readonly reportData: Uint8Array;
  readonly vmpl: Vmpl;
}

/** INVARIANT: the message number moves with each ioctl, whether the table found room or not; a request is never sent twice. */
async function reportFrom(device: SevGuestDevice, asked: Asked, channel: SharedChannel): Promise<CarriedRaw> {
  let room = FIRST_ROOM;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const request = guestRequest({ ...asked, certificateBytes: room }, device.allocate);
    const wanted = await channel
      .alone(() => answered(device, request))
      .catch((thrown: unknown) => {
        throw isFault(thrown) ? thrown : notGiven(thrown, request);
      }); // in order: one after the other
    if (wanted === undefined) return carried(request, asked.reportData);
    room = wanted;
  }
  throw unavailable("the host changes the size of its certificate table all the time", {});
}

/** `undefined` where an answer came; else the room that the host's table needs: 0 where no room will do. */
async function answered(device: SevGuestDevice, request: GuestRequest): Promise<number | undefined> {
  const isExtended = request.certificates !== undefined;
  try {
    await device.ioctl(isExtended ? SNP_GET_EXT_REPORT : SNP_GET_REPORT, request);
    return undefined;
  } catch (thrown) {
    const isTooSmall = systemCodeOf(thrown) === "EIO" && exitInfoIn(request).host === HOST_INVALID_LENGTH;
    if (!isExtended || !isTooSmall) throw thrown;
    const wanted = wantedCertificateBytes(request);
    return wanted === undefined || wanted === request.certificates?.bytes.length ? 0 : wanted;
  }
}

function carried(request: GuestRequest, reportData: Uint8Array): CarriedRaw {
  const report = reportOver(reportData, reportIn(request));
  const { certificates } = request;
  if (certificates === undefined || isZero(certificates.bytes)) return { format: "raw", report };
  return { format: "raw", report, certTable: certificates.bytes.slice() };
}

function notGiven(thrown: unknown, request: GuestRequest): Fault {
  const reason = systemCodeOf(thrown);
  const { firmware, host } = exitInfoIn(request);
  const said =
    host === HOST_BUSY
      ? "the host throttles"
      : `firmware 0x${firmware.toString(16)}, host 0x${host.toString(16)}`;
  const advice = ADVICE[reason] ?? "look at the kernel's log";
  return unavailable(`gave no report (${reason}; ${said}): ${advice}`, { reason, firmware, host }, thrown);
}

const WIPED = "the kernel has wiped its key, and only a reboot brings it back";
const ADVICE: Readonly<Record<string, string>> = {
  EINVAL: "this kernel takes no such request",
  EIO: "the host did not carry the message; the kernel may have wiped its key, which the next request shows",
  ETIMEDOUT: `the host held the message up for a minute; ${WIPED}`,
  EBADMSG: `the answer was not the firmware's; ${WIPED}`,
};

function unavailable(sentence: string, detail: FaultDetail, cause?: unknown): Fault {
  return new Fault("provider/unavailable", `/dev/sev-guest ${sentence}`, detail, cause);
}
