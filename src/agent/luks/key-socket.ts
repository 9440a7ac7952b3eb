/** How does systemd-cryptsetup get a volume's key? From a socket of its own, for the header that was judged and lies beside it. */
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { type InheritedSockets, listenLocally } from "../local-socket.ts";
import type { Door, DoorParts, OpenDoor, SecretSource } from "../secret-source.ts";
import { refuseDisk } from "../tmpfs.ts";
import { type DiskHead, readDisk, writeHeaderCopy } from "./disk.ts";
import { refuseOther, refuseUncounted, tokensOf, withOwnVolume } from "./own-volume.ts";

/** One volume that systemd-cryptsetup opens. */
export interface KeySocketPlan {
  /** The mapping's name, as in crypttab. */
  readonly name: string;
  readonly device: string;
  readonly secret: string;
  readonly integrity?: boolean | undefined;
  /** Where systemd-cryptsetup connects: crypttab's third column. */
  readonly socket: string;
  /** Where the judged header is put: crypttab's option `header=`. */
  readonly header: string;
}

interface Parts {
  readonly primitives: Pick<Primitives, "digest" | "hmac">;
  readonly inherited?: InheritedSockets;
}

const PRIVATE_FOLDER = 0o700;
const OWNER_ONLY = 0o600;
/** More than one at a time would be somebody else than systemd-cryptsetup. */
const MOST_AT_ONCE = 4;
const PATIENCE_MS = 120_000;

/**
 * The key socket of one volume.
 *
 * Whoever connects gets the bytes of the key and the end of the stream, or the end alone: no word that could be taken for a key. The
 * socket's mode 0600 in a folder of mode 0700 says who may, since Node shows no peer's credentials (consumers, section 2).
 *
 * @throws {@link Fault} when it opens: `disk/not-luks`, `disk/bad-header`, `disk/no-marker`, `disk/foreign`, `file/unusable`.
 */
export function createKeySocket(plan: KeySocketPlan, parts: Parts): Door {
  return {
    name: `disk ${plan.name}`,
    open: async (source, doorParts) => {
      const disk = await readDisk(plan.device, parts.primitives);
      if (tokensOf(disk).length === 0) {
        throw new Fault("disk/no-marker", `expected a marker of this guest's broker on \`${plan.device}\``);
      }
      refuseOther(disk, plan);
      refuseUncounted(disk, false);
      await privateFolder(dirname(plan.header));
      await putHeader(disk, plan.header, parts.primitives);
      return listening(plan, disk, { source, parts, ...doorParts });
    },
  };
}

async function privateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
  await refuseDisk(folder);
}

/** Whole or not at all, in memory, so that the host cannot change what was judged. */
async function putHeader(disk: DiskHead, path: string, primitives: Parts["primitives"]): Promise<void> {
  const half = join(dirname(path), `.${randomBytes(8).toString("hex")}.part`);
  const file = await open(half, "wx", OWNER_ONLY);
  try {
    await writeHeaderCopy(file, disk, primitives);
    await rename(half, path);
  } catch (thrown) {
    await rm(half, { force: true });
    throw thrown;
  } finally {
    await file.close();
  }
}

interface Asked extends DoorParts {
  readonly source: SecretSource;
  readonly parts: Parts;
}

async function listening(plan: KeySocketPlan, disk: DiskHead, asked: Asked): Promise<OpenDoor> {
  const inside = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    if (inside.size >= MOST_AT_ONCE || asked.signal.aborted) return void socket.destroy();
    inside.add(socket);
    socket.once("close", () => inside.delete(socket));
    void answer(socket, { plan, disk }, asked);
  });
  await privateFolder(dirname(plan.socket));
  const { inherited } = asked.parts;
  const open = await listenLocally(
    server,
    { socket: plan.socket },
    inherited === undefined ? {} : { inherited },
  );
  return {
    close: async () => {
      for (const socket of inside) socket.destroy();
      await open.close();
      await rm(plan.header, { force: true });
    },
  };
}

async function answer(
  socket: Socket,
  { plan, disk }: { readonly plan: KeySocketPlan; readonly disk: DiskHead },
  { source, parts, log, signal }: Asked,
): Promise<void> {
  const end = (): void => void socket.destroy();
  signal.addEventListener("abort", end, { once: true });
  socket.setTimeout(PATIENCE_MS, end);
  socket.resume();
  try {
    await withOwnVolume(disk, plan, {
      parts: { primitives: parts.primitives, secrets: source },
      use: async ({ key, decision }) => {
        await sent(socket, key.secret);
        log("info", "key-given", { volume: plan.name, version: key.version, decision });
      },
    });
  } catch (thrown) {
    const code = isFault(thrown) ? thrown.code : "internal/invariant";
    const id = isFault(thrown) ? thrown.detail["id"] : undefined;
    log("error", "key-refused", {
      volume: plan.name,
      code,
      ...(id === undefined ? {} : { decision: String(id) }),
    });
  } finally {
    signal.removeEventListener("abort", end);
    end();
  }
}

/** Until the kernel has it, so that the plaintext may be overwritten. */
function sent(socket: Socket, secret: Uint8Array): Promise<void> {
  return new Promise((done, failed) => {
    socket.once("error", failed);
    socket.once("close", () => failed(new Fault("file/unusable", "who asked for the key went away")));
    socket.end(secret, () => done());
  });
}
