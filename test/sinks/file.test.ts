/** Do events lie in a file whole, whoever renames it, whatever was cut, and however full the disk is? */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { appendEvents } from "../../src/sinks/file.ts";
import { eventsOf } from "./events.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-file-sink-"));
  path = join(folder, "audit.jsonl");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function indexesIn(file: string): readonly number[] {
  const lines = readFileSync(file, "utf8").split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line).index);
}

describe("a file of events", () => {
  it("has one line each, and is the owner's and the group's", async () => {
    await appendEvents(path, eventsOf(0, 3));
    await appendEvents(path, eventsOf(3, 2));
    expect(indexesIn(path)).toEqual([0, 1, 2, 3, 4]);
    expect(statSync(path).mode & 0o007).toBe(0);
  });

  it("is made anew after it was renamed, and nobody has to be told", async () => {
    await appendEvents(path, eventsOf(0, 2));
    renameSync(path, `${path}.1`);
    await appendEvents(path, eventsOf(2, 2));
    expect([indexesIn(`${path}.1`), indexesIn(path)]).toEqual([
      [0, 1],
      [2, 3],
    ]);
  });

  it("loses the part of a line that a crash or a full disk left, and nothing before it", async () => {
    await appendEvents(path, eventsOf(0, 2));
    const whole = readFileSync(path);
    for (const cut of [whole.length - 1, whole.length - 30]) {
      writeFileSync(path, whole.subarray(0, cut));
      await appendEvents(path, eventsOf(1, 2)); // in order: one file
      expect(indexesIn(path)).toEqual([0, 1, 2]);
    }
    writeFileSync(path, "{");
    await appendEvents(path, eventsOf(0, 1));
    expect(indexesIn(path)).toEqual([0]);
  });

  it.each([
    ["a folder", () => folder, "EISDIR"],
    ["a full disk", () => "/dev/full", undefined],
    ["no folder", () => join(folder, "none/audit.jsonl"), "ENOENT"],
  ])("is refused where the path is %s", async (_what, place, reason) => {
    await expect(appendEvents(place(), eventsOf(0, 1))).rejects.toMatchObject({
      code: "file/unusable",
      detail: reason === undefined ? { path: place() } : { reason },
    });
  });

  it("waits for no reader of a FIFO, and follows no link", async () => {
    const fifo = join(folder, "fifo");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    await expect(appendEvents(fifo, eventsOf(0, 1))).rejects.toMatchObject({ code: "file/unusable" });
    symlinkSync("/dev/null", path);
    await expect(appendEvents(path, eventsOf(0, 1))).rejects.toMatchObject({ detail: { reason: "ELOOP" } });
  });
});
