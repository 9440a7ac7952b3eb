/** Heads put where others find them: the newest one, one at a time, and whoever takes none or never answers delays nothing. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createPublication } from "../../src/broker/publish.ts";
import { keepHead } from "../../src/broker/rollback.ts";
import { putHead } from "../../src/client/publish.ts";
import { replaceFile } from "../../src/runtime/node/replaced-file.ts";
import { grow } from "../cli/ledger-run.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { localServer } from "../support/local-server.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function publishing(put: (note: string) => Promise<void>) {
  const broker = brokerAtHand(() => ({ anchors: [createPublication({ name: "a place", put })] }));
  await grow(broker, 1);
  return broker;
}

describe("a publication", () => {
  it("has the newest head, and each but once", async () => {
    const notes: string[] = [];
    const broker = await publishing(async (note) => void notes.push(note));
    const first = await keepHead(broker.world);
    await settled();
    await keepHead(broker.world);
    await grow(broker, 1);
    const second = await keepHead(broker.world);
    expect(notes).toEqual([first, second]);
  });

  it("that never answers delays no head, and is asked no second time", async () => {
    let asked = 0;
    const broker = await publishing(() => {
      asked += 1;
      return new Promise(() => undefined);
    });
    for (let i = 0; i < 5; i += 1) {
      await grow(broker, 1); // in order: it grows
      expect(await keepHead(broker.world)).toContain(`\n${i + 2}\n`);
    }
    expect(asked).toBe(1);
  });

  it("that takes none is left alone, longer each time, and is told of in the log", async () => {
    const asked: number[] = [];
    const broker = await publishing(async () => {
      asked.push(broker.world.now());
      throw new Error("no");
    });
    const begin = broker.world.now();
    for (let second = 0; second < 16; second += 1) {
      await keepHead(broker.world); // in order: second by second
      await settled();
      broker.pass(1);
    }
    expect(asked.map((at) => at - begin)).toEqual([0, 2, 6, 14]);
    expect(broker.lines.filter(({ event }) => event === "head-not-published")).toHaveLength(4);
  });

  it("is a file that is replaced as a whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ostiary-head-"));
    await replaceFile(join(folder, "checkpoint"), "old");
    const done = new Promise<void>((resolve) => {
      void publishing((note) => replaceFile(join(folder, "checkpoint"), note).then(resolve)).then(
        ({ world }) => keepHead(world),
      );
    });
    await done;
    expect(await readFile(join(folder, "checkpoint"), "utf8")).toContain("broker.example/c/0001\n1\n");
    await rm(folder, { recursive: true });
  });

  it("is a PUT with the token that it was given, and a status that is not good is a no", async () => {
    const seen: unknown[] = [];
    const { url } = await localServer((request, response) => {
      seen.push([request.method, request.url, request.headers.authorization]);
      response.writeHead(request.url === "/good" ? 204 : 403).end();
    });
    const door = { fetch, token: "t", signal: () => AbortSignal.timeout(5000) };
    await putHead({ ...door, url: `${url}/good` }, "note");
    await expect(putHead({ ...door, url: `${url}/bad` }, "note")).rejects.toMatchObject({
      detail: { status: 403 },
    });
    expect(seen).toEqual([
      ["PUT", "/good", "Bearer t"],
      ["PUT", "/bad", "Bearer t"],
    ]);
  });
});
