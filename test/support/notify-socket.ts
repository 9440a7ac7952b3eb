/** What does systemd hear of a service? A datagram socket of the kernel's, bound by its C library: Node has none. */
import { closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import koffi from "koffi";

export interface NotifySocket {
  /** For NOTIFY_SOCKET. */
  readonly place: string;
  /** Every datagram until one has these words. */
  readonly until: (words: string) => Promise<readonly string[]>;
  readonly close: () => void;
}

const DGRAM = 2;
const DONTWAIT = 0x40;

/** @param place - A path, or `@NAME` for an abstract one. */
export function notifySocket(place: string): NotifySocket {
  const libc = koffi.load("libc.so.6");
  const fd: number = libc.func("int socket(int, int, int)")(1, DGRAM, 0);
  const name = Buffer.from(`${place.replace(/^@/, "\0")}${place.startsWith("@") ? "" : "\0"}`);
  const address = Buffer.concat([Buffer.from([1, 0]), name]);
  if (libc.func("int bind(int, const void *, uint32_t)")(fd, address, address.length) !== 0) {
    throw new Error("expected to bind the notify socket");
  }
  const receive = libc.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)");
  const heard: string[] = [];
  const until = async (words: string): Promise<readonly string[]> => {
    for (;;) {
      const bytes = Buffer.alloc(4096);
      const size = Number(receive(fd, bytes, bytes.length, DONTWAIT));
      if (size > 0) heard.push(bytes.toString("utf8", 0, size));
      if (heard.some((one) => one.includes(words))) return heard;
      if (size <= 0) await sleep(20);
    }
  };
  return { place, until, close: () => closeSync(fd) };
}
