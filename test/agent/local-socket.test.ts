import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { listenLocally } from "../../src/agent/local-socket.ts";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "ostiary-socket-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

describe("a door's socket", () => {
  it("is nobody else's from the moment that it has a name, and then whose the file says", async () => {
    const socket = join(folder(), "deep", "door.sock");
    const server = createServer();
    let first: number | undefined;
    server.once("listening", () => {
      first = statSync(socket).mode & 0o777;
    });
    const { close } = await listenLocally(server, { socket }, { rights: { mode: 0o660 } });
    expect([first, statSync(socket).mode & 0o777]).toEqual([0o600, 0o660]);
    await close();
    expect(existsSync(socket)).toBe(false);
  });

  it("takes the name of one that nobody serves, and of nothing else", async () => {
    const at = folder();
    const socket = join(at, "door.sock");
    const first = await listenLocally(createServer(), { socket });
    await expect(listenLocally(createServer(), { socket })).rejects.toMatchObject({ code: "config/invalid" });
    await first.close();
    writeFileSync(join(at, "file"), "somebody's");
    const taken = listenLocally(createServer(), { socket: join(at, "file") });
    await expect(taken).rejects.toMatchObject({ code: "config/invalid" });
    expect(existsSync(join(at, "file"))).toBe(true);
  });

  it("ends in a bounded time, whoever stays inside", async () => {
    const socket = join(folder(), "door.sock");
    const { close } = await listenLocally(createServer(), { socket });
    const stays = connect(socket);
    stays.on("error", () => undefined);
    await new Promise((inside) => stays.once("connect", inside));
    await close();
    expect(existsSync(socket)).toBe(false);
  });
});
