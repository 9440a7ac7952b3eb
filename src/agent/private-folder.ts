/** Where do the files of one program lie? In a folder of its own in tmpfs, which goes with it, or with the next start where it was killed. */
import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { Fault, systemCodeOf } from "../base/fault.ts";
import { refuseDisk } from "./tmpfs-file.ts";

export interface PrivateFolder {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

/** A socket that the process holds for as long as it lives: what no process answers at is left over, whatever killed it. */
const ALIVE = ".alive";
const PREFIX = "run-";

/**
 * Makes a folder below `base` that this user alone may enter, and takes away those of processes that are no more.
 *
 * @throws {@link Fault} `file/unusable` where `base` is on a disk, or another user may enter it.
 */
export async function makePrivateFolder(base: string): Promise<PrivateFolder> {
  try {
    await mkdir(base, { recursive: true, mode: 0o700 });
    await refuseShared(base);
    await refuseDisk(base);
    await removeLeft(base);
    return await made(base);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${base}\` cannot be used (${reason})`, { reason });
  }
}

async function made(base: string): Promise<PrivateFolder> {
  const path = await mkdtemp(join(base, PREFIX)); // mode 0700
  const alive = createServer((socket) => socket.destroy());
  alive.unref();
  await new Promise<void>((done, failed) => {
    alive.once("error", failed);
    alive.listen({ path: join(path, ALIVE) }, done);
  });
  await chmod(join(path, ALIVE), 0o600);
  return {
    path,
    remove: async () => {
      await new Promise((closed) => alive.close(closed));
      await rm(path, { recursive: true, force: true });
    },
  };
}

async function refuseShared(base: string): Promise<void> {
  const stats = await lstat(base);
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0) return;
  throw new Fault("file/unusable", `expected \`${base}\` to be a folder of this user alone, mode 0700`);
}

/** One without a socket is being made: it is left for the next time, unless it is old. */
async function removeLeft(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const path = join(base, name);
    if (!name.startsWith(PREFIX) || (await isHeld(path))) continue; // one after the other: there are few
    await rm(path, { recursive: true, force: true });
  }
}

const MAKING_MS = 10_000;

async function isHeld(path: string): Promise<boolean> {
  const reason = await reasonOf(join(path, ALIVE));
  if (reason === "ENOENT") {
    const stats = await lstat(path).catch(() => undefined);
    return stats !== undefined && Date.now() - stats.mtimeMs < MAKING_MS;
  }
  return reason !== "ECONNREFUSED";
}

/** Why nobody answers; `undefined` where somebody does. */
function reasonOf(path: string): Promise<string | undefined> {
  return new Promise((done) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      done(undefined);
    });
    probe.once("error", (thrown) => done(systemCodeOf(thrown)));
  });
}
