/** How does the daemon tell systemd how it is? By datagrams to NOTIFY_SOCKET (sd_notify(3)), which come from this very process. */
import { Fault } from "../../base/fault.ts";
import type { Environment } from "../environment.ts";

/** Assignments of sd_notify(3): `READY=1`, `STATUS=…`, `WATCHDOG=1`, `STOPPING=1`. Never throws: nothing depends on it. */
export type Notify = (...assignments: readonly string[]) => void;

export interface Notifier {
  readonly notify: Notify;
  /** How often `WATCHDOG=1` is to come, where systemd waits for it: half of what it allows. */
  readonly watchdogMs?: number;
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const PATH_SIZE = 108;

/**
 * Node has no datagram sockets of the family AF_UNIX, and a child such as `systemd-notify` is another process, of which systemd hears with
 * `NotifyAccess=main` nothing. So the C library is called, which is loaded where somebody waits for a word and nowhere else.
 *
 * @throws {@link Fault} `config/invalid` where NOTIFY_SOCKET is no address.
 */
export async function createNotifier(environment: Environment): Promise<Notifier> {
  const { NOTIFY_SOCKET: place } = environment;
  if (place === undefined || place === "") return { notify: () => undefined };
  const address = addressOf(place);
  const send = await datagramsTo(address);
  const watchdogMs = watchdogOf(environment);
  const notify: Notify = (...assignments) =>
    send(new TextEncoder().encode(assignments.map(oneLine).join("\n")));
  return { notify, ...(watchdogMs === undefined ? {} : { watchdogMs }) };
}

/** A newline would begin another assignment. */
function oneLine(assignment: string): string {
  return assignment.replaceAll(/\p{Cc}/gu, " ");
}

/** `struct sockaddr_un`; an `@` stands for the zero of an abstract name. */
function addressOf(place: string): Uint8Array {
  const name = new TextEncoder().encode(place);
  if (!/^[/@]./.test(place) || name.length >= PATH_SIZE) {
    throw new Fault("config/invalid", "expected NOTIFY_SOCKET to be a path or an abstract name");
  }
  const isAbstract = place.startsWith("@");
  const address = new Uint8Array(2 + name.length + (isAbstract ? 0 : 1));
  address.set([AF_UNIX, 0]); // the family in this machine's order: x86-64 alone has SEV-SNP
  address.set(name, 2);
  if (isAbstract) address[2] = 0;
  return address;
}

async function datagramsTo(address: Uint8Array): Promise<(bytes: Uint8Array) => void> {
  const { default: koffi } = await import("koffi").catch(() => {
    throw new Fault(
      "config/invalid",
      "NOTIFY_SOCKET is set, and the package koffi is not here: use Type=exec",
    );
  });
  const libc = koffi.load("libc.so.6");
  const socket = libc.func("int socket(int domain, int type, int protocol)");
  const sendTo = libc.func(
    "intptr_t sendto(int fd, const void *bytes, size_t size, int flags, const void *to, uint32_t toSize)",
  );
  const fd: unknown = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  return (bytes) => void sendTo(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length);
}

function watchdogOf({
  WATCHDOG_USEC: microseconds = "",
  WATCHDOG_PID: pid,
}: Environment): number | undefined {
  const isMeant = pid === undefined || pid === String(process.pid);
  return isMeant && /^[1-9]\d{3,15}$/.test(microseconds) ? Number(microseconds) / 2000 : undefined;
}
