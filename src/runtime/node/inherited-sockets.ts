/** Which sockets did systemd open before this process? Those that it passed (sd_listen_fds(3)), told apart by where they are. */
import { readFileSync, readlinkSync } from "node:fs";
import type { InheritedSockets } from "../../agent/local-socket.ts";
import { Fault } from "../../base/fault.ts";
import type { Environment } from "../environment.ts";

const FIRST = 3;
const MAX_SOCKETS = 256;

/** Those that nobody took are told by `rest`: an application would wait at one for ever. */
export interface PassedSockets extends InheritedSockets {
  readonly rest: () => readonly string[];
}

/** @throws {@link Fault} `config/invalid` for what is passed and is no listening socket of the file system. */
export function inheritedSockets({ LISTEN_PID: pid, LISTEN_FDS: count = "" }: Environment): PassedSockets {
  const isMeant = pid === String(process.pid) && /^[1-9]\d{0,2}$/.test(count);
  const total = isMeant ? Math.min(Number(count), MAX_SOCKETS) : 0;
  const paths = total === 0 ? new Map<string, string>() : pathsByInode();
  const left = new Map(
    Array.from({ length: total }, (_, index) => [pathOf(FIRST + index, paths), FIRST + index]),
  );
  return {
    take: (path) => {
      const fd = left.get(path);
      left.delete(path);
      return fd;
    },
    rest: () => [...left.keys()],
  };
}

function pathOf(fd: number, paths: ReadonlyMap<string, string>): string {
  const [, inode = ""] = /^socket:\[(\d+)\]$/.exec(linkOf(fd)) ?? [];
  const path = paths.get(inode);
  if (path !== undefined) return path;
  throw new Fault(
    "config/invalid",
    `expected descriptor ${fd} of LISTEN_FDS to be a socket with a path (ListenStream=/…)`,
  );
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}

/** `Num RefCount Protocol Flags Type St Inode Path`, proc(5). */
function pathsByInode(): ReadonlyMap<string, string> {
  const lines = readFileSync("/proc/self/net/unix", "utf8").split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [, inode, path] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (\/.*)$/.exec(line) ?? [];
      return inode === undefined || path === undefined ? [] : [[inode, path] as const];
    }),
  );
}
