/** How does systemd get a credential? It connects to a socket of its own (`LoadCredential=ID:/PATH`), reads to the end, and that is it. */
import { createServer, type Socket } from "node:net";
import { isFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { type InheritedSockets, listenLocally } from "./local-socket.ts";
import { inFormat, type SecretFormat } from "./secret-format.ts";
import type { Door, SecretSource } from "./secret-source.ts";
import type { FileRights } from "./tmpfs-file.ts";

export interface CredentialPlan {
  readonly socket: string;
  readonly path: string;
  /** The newest unless it is said. */
  readonly version?: number;
  readonly format: SecretFormat;
  readonly rights: FileRights;
}

/** Whoever does not take what it asked for is let go. */
const TAKE_MS = 10_000;

/**
 * The door for one credential, at a socket for it alone: Node cannot see who stands at the other end, so that the file system says who may.
 *
 * @see systemd.exec(5), `LoadCredential=`; systemd binds the abstract name `…/unit/UNIT/ID` before it connects
 */
export function createCredentialDoor(plan: CredentialPlan, inherited: InheritedSockets): Door {
  return {
    name: "credential",
    open: async (source, { log }) => {
      const server = createServer(
        { pauseOnConnect: true },
        (socket) => void answer(socket, plan, source, log),
      );
      return listenLocally(server, { socket: plan.socket }, { rights: plan.rights, inherited });
    },
  };
}

/** Never throws. What the other end says is not read. A refusal is an end without a byte: half a word would be taken for a credential. */
async function answer(socket: Socket, plan: CredentialPlan, source: SecretSource, log: Log): Promise<void> {
  socket.on("error", () => undefined); // whoever goes away has no answer coming
  try {
    const bytes = await credential(plan, source);
    socket.setTimeout(TAKE_MS, () => socket.destroy());
    socket.end(bytes, () => bytes.fill(0));
    socket.once("close", () => bytes.fill(0));
    socket.resume(); // to hear of the end; whatever else comes goes
  } catch (thrown) {
    const id = isFault(thrown) ? thrown.detail["id"] : undefined;
    const code = isFault(thrown) ? thrown.code : "internal/invariant";
    log("warn", "credential-refused", {
      socket: plan.socket,
      code,
      ...(id === undefined ? {} : { decision: id }),
    });
    socket.destroy();
  }
}

async function credential(
  { path, version, format }: CredentialPlan,
  source: SecretSource,
): Promise<Uint8Array> {
  const { secret } = await source.read(path, version);
  try {
    return inFormat(secret, format);
  } finally {
    secret.fill(0);
  }
}
