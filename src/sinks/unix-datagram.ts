/** How are datagrams sent to a socket of this machine? Node has none of the family AF_UNIX, so the C library is called. */
import { Fault } from "../base/fault.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const PATH_SIZE = 108;

/**
 * Sends each, or throws at the first that the other side has no room for: nothing waits.
 *
 * @throws {@link Fault} `sink/unreachable`; `config/invalid` where the package koffi is not here.
 */
export async function sendDatagrams(path: string, messages: readonly string[]): Promise<void> {
  const address = addressOf(path);
  const libc = await loaded();
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  try {
    for (const message of messages) {
      const bytes = new TextEncoder().encode(message);
      const sent = libc.sendTo(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length);
      if (sent !== bytes.length) {
        throw new Fault("sink/unreachable", `expected the socket \`${path}\` to take a message`, { path });
      }
    }
  } finally {
    libc.close(fd);
  }
}

/** `struct sockaddr_un`. */
function addressOf(path: string): Uint8Array {
  const name = new TextEncoder().encode(path);
  if (name.length >= PATH_SIZE)
    throw new Fault("config/invalid", "expected the path of a socket, below 108 bytes");
  const address = new Uint8Array(2 + name.length + 1);
  address.set([AF_UNIX, 0]); // the family in this machine's order: x86-64 alone has SEV-SNP
  address.set(name, 2);
  return address;
}

interface Library {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly sendTo: (
    fd: number,
    bytes: Uint8Array,
    size: number,
    flags: number,
    to: Uint8Array,
    toSize: number,
  ) => number;
  readonly close: (fd: number) => number;
}

let kept: Library | undefined;

/** Loaded where somebody is to be told by such a socket, once. */
async function loaded(): Promise<Library> {
  if (kept !== undefined) return kept;
  const { default: koffi } = await import("koffi").catch(() => {
    throw new Fault("config/invalid", "a socket of this machine is named, and the package koffi is not here");
  });
  const libc = koffi.load("libc.so.6");
  kept = {
    socket: libc.func("int socket(int domain, int type, int protocol)"),
    sendTo: libc.func(
      "intptr_t sendto(int fd, const void *bytes, size_t size, int flags, const void *to, uint32_t toSize)",
    ),
    close: libc.func("int close(int fd)"),
  };
  return kept;
}
