/** What if the connection to PostgreSQL ends at the commit? A socket in between that cuts there, before or after it counts. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export interface CuttingProxy {
  /** The folder of its socket. */
  readonly host: string;
  readonly cuts: () => number;
}

const SOCKET = ".s.PGSQL.5432";

/** Cuts at the first `plan.length` commits: `late` after the server took it, `early` before it came to the server. */
export async function cuttingProxy(
  server: { readonly host: string },
  plan: readonly ("late" | "early")[],
): Promise<CuttingProxy> {
  const host = mkdtempSync(join(tmpdir(), "ostiary-cut-"));
  let cuts = 0;
  const nextCut = (): "late" | "early" | undefined => {
    const kind = plan[cuts];
    if (kind !== undefined) cuts += 1;
    return kind;
  };
  const proxy = createServer((client) => between(client, connect(join(server.host, SOCKET)), nextCut));
  await new Promise<void>((done) => proxy.listen(join(host, SOCKET), done));
  onTestFinished(() => {
    proxy.close();
    rmSync(host, { recursive: true, force: true });
  });
  return { host, cuts: () => cuts };
}

function between(client: Socket, server: Socket, nextCut: () => "late" | "early" | undefined): void {
  let isLate = false;
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) socket.on("error", end).on("close", end);
  client.on("data", (bytes) => {
    const cut = bytes.includes("\0commit\0") ? nextCut() : undefined;
    if (cut === "early") return end();
    isLate ||= cut === "late";
    server.write(bytes);
  });
  server.on("data", (bytes) => (isLate ? end() : void client.write(bytes)));
}
