/** Does every line reach the log, in order, and an error at once? */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createLog } from "../../../src/runtime/node/log.ts";

function eventsOf(lines: string): readonly unknown[] {
  expect(lines.endsWith("\n")).toBe(true);
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).event);
}

describe("the log", () => {
  it("writes what one turn says together and in order, and goes on after it", async () => {
    const writes: string[] = [];
    const log = createLog("info", (lines) => writes.push(lines));
    log("info", "first");
    log("debug", "unheard");
    log("warn", "second");
    expect(writes).toEqual([]);
    await nextTurn();
    log("info", "third");
    await nextTurn();
    await nextTurn();
    expect(writes.map(eventsOf)).toEqual([["first", "second"], ["third"]]);
  });

  it("writes an error at once, after what was said before it", async () => {
    const writes: string[] = [];
    const log = createLog("info", (lines) => writes.push(lines));
    log("info", "before");
    log("error", "failed");
    expect(writes.map(eventsOf)).toEqual([["before", "failed"]]);
    await nextTurn();
    expect(writes).toHaveLength(1);
  });

  it("writes no more at once than a pipe takes whole, so that processes that share one do not mix their lines", async () => {
    const writes: string[] = [];
    const log = createLog("info", (lines) => writes.push(lines), { process: 2 });
    for (let i = 0; i < 200; i += 1) log("info", `event-${i}`, { source: "é".repeat(i) });
    await nextTurn();
    await nextTurn();
    expect(writes.filter((lines) => Buffer.byteLength(lines) > 4096)).toEqual([]);
    expect(writes.flatMap(eventsOf)).toEqual(Array.from({ length: 200 }, (_, i) => `event-${i}`));
    expect(writes.join("").match(/"process":2/g)).toHaveLength(200);
  });
});
