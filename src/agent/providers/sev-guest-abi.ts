/** Which bytes go to /dev/sev-guest, and which come back? Requests with pointers in them, laid out as Linux has them (include/uapi/linux/sev-guest.h). */

import { REPORT_SIZE } from "../../attestation/snp/layout.ts";
import { u32le, u64le } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";
import type { Vmpl } from "../../wire/messages.ts";

/** `_IOWR('S', n, 32 bytes)`. */
export const SNP_GET_REPORT = 0xc020_5300;
export const SNP_GET_EXT_REPORT = 0xc020_5302;

/** Memory that C reads and writes, and where it is. It does not move while it is named. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly address: bigint;
}

/** Zeroes of this size. */
export type Allocate = (size: number) => Memory;

/** A request with everything that it points to. */
export interface GuestRequest {
  /** struct snp_guest_request_ioctl. */
  readonly ioctl: Memory;
  /** struct snp_report_req, or snp_ext_report_req, which begins with one. */
  readonly request: Memory;
  readonly response: Memory;
  /** Where the host's certificate table goes; nothing for a plain report. */
  readonly certificates: Memory | undefined;
}

const MESSAGE_VERSION = 1;
const IOCTL_SIZE = 32;
const EXITINFO2_AT = 24;
const REPORT_REQUEST_SIZE = 96;
const VMPL_AT = 64;
const CERTIFICATES_LENGTH_AT = 104;
const EXT_REQUEST_SIZE = 112;
const RESPONSE_SIZE = 4000;
const REPORT_AT = 32;
const PAGE = 4096;
/** SEV_FW_BLOB_MAX_SIZE. */
const MAX_CERTIFICATES = 0x4000;

/**
 * Lays a request out.
 *
 * @param reportData - 64 bytes.
 * @param certificateBytes - How much the host's table may have: whole pages, up to 16 KiB; 0 asks for a report without it.
 */
export function guestRequest(
  asked: { readonly reportData: Uint8Array; readonly vmpl: Vmpl; readonly certificateBytes: number },
  allocate: Allocate,
): GuestRequest {
  const { reportData, vmpl, certificateBytes } = asked;
  const isExtended = certificateBytes > 0;
  const [ioctl, response] = [allocate(IOCTL_SIZE), allocate(RESPONSE_SIZE)];
  const request = allocate(isExtended ? EXT_REQUEST_SIZE : REPORT_REQUEST_SIZE);
  const certificates = isExtended ? allocate(certificateBytes) : undefined;
  request.bytes.set(reportData, 0);
  request.bytes.set(u32le(vmpl), VMPL_AT);
  if (certificates !== undefined) {
    request.bytes.set(u64le(certificates.address), REPORT_REQUEST_SIZE);
    request.bytes.set(u32le(certificateBytes), CERTIFICATES_LENGTH_AT);
  }
  ioctl.bytes.set(u64le(BigInt(MESSAGE_VERSION)), 0);
  ioctl.bytes.set(u64le(request.address), 8);
  ioctl.bytes.set(u64le(response.address), 16);
  return { ioctl, request, response, certificates };
}

/** exitinfo2: what the firmware and the host said. Both are 0 after a success; the driver presets `firmware` with 0xff. */
export interface ExitInfo {
  readonly firmware: number;
  readonly host: number;
}

export const HOST_INVALID_LENGTH = 1;
export const HOST_BUSY = 2;

export function exitInfoIn({ ioctl }: GuestRequest): ExitInfo {
  const reader = new Reader(ioctl.bytes.slice(EXITINFO2_AT), "internal/invariant");
  return { firmware: reader.u32le(), host: reader.u32le() };
}

/** How large the host's table is, as the kernel wrote it into a request whose table found no room; `undefined` for nonsense. */
export function wantedCertificateBytes({ request }: GuestRequest): number | undefined {
  const size = new Reader(request.bytes.slice(CERTIFICATES_LENGTH_AT), "internal/invariant").u32le();
  return size > 0 && size <= MAX_CERTIFICATES && size % PAGE === 0 ? size : undefined;
}

/**
 * The report of an answer: MSG_REPORT_RSP (AMD 56860, MSG_REPORT_RSP Structure).
 *
 * @throws {@link Fault} `provider/unavailable` with the firmware's `status`.
 */
export function reportIn({ response }: GuestRequest): Uint8Array {
  const reader = new Reader(response.bytes, "internal/invariant");
  const [status, size] = [reader.u32le(), reader.u32le()];
  if (status !== 0) {
    const meaning = MEANING_OF_STATUS[status] ?? "look it up in AMD 56860";
    throw unavailable(`the firmware refused to sign (status 0x${status.toString(16)}): ${meaning}`, {
      status,
    });
  }
  if (size !== REPORT_SIZE)
    throw unavailable(`expected a report of ${REPORT_SIZE} bytes, received ${size}`, { size });
  return response.bytes.slice(REPORT_AT, REPORT_AT + REPORT_SIZE);
}

const MEANING_OF_STATUS: Readonly<Record<number, string>> = {
  22: "it takes not these parameters; a level below the guest's own, for one: look at --vmpl",
  39: "it has not the key that was named",
};

function unavailable(sentence: string, detail: Readonly<Record<string, number>>): Fault {
  return new Fault("provider/unavailable", `/dev/sev-guest: ${sentence}`, detail);
}
