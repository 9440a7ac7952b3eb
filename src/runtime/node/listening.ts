/** Where does a broker listen? At the configured address alone, or as one of several processes that share it. */
import { type AddressInfo, createServer, type Server } from "node:net";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { ListenConfig } from "../config.ts";

type Place = Pick<ListenConfig, "host" | "port">;

/**
 * Listens. Of several processes each has a queue of its own at the same port (`SO_REUSEPORT`): what a lost one had in its, the
 * system ends. With `node:cluster`'s own queue in the first process, such a connection stays open and nobody answers.
 *
 * @returns The port, where the configuration leaves it to the system.
 * @throws {@link Fault} `config/invalid`.
 */
export function listen(server: Server, { host, port }: Place, isShared: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (thrown) => reject(unusable({ host, port }, thrown)));
    server.listen({ host, port, exclusive: true, reusePort: isShared }, () => resolve(portOf(server, port)));
  });
}

/**
 * The port that several processes are to share. Whoever shares one lets in everybody who does so too, and a second broker
 * that was begun by mistake would take guests of this one: so nobody is to be there before.
 *
 * @throws {@link Fault} `config/invalid`.
 */
export async function freePortOf(place: Place): Promise<number> {
  const probe = createServer();
  const port = await listen(probe, place, false);
  await new Promise((closed) => probe.close(closed));
  return port;
}

function portOf(server: Server, configured: number): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === "object" && address !== null ? address.port : configured;
}

function unusable({ host, port }: Place, thrown: unknown): Fault {
  const reason = systemCodeOf(thrown);
  return new Fault("config/invalid", `expected to listen at \`${host}\`, port ${port} (${reason})`, {
    reason,
  });
}
