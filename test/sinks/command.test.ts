/** Does a command get the event and nothing of the broker, and is anything but status 0 a no? */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runForEvent } from "../../src/sinks/command.ts";
import { eventsOf } from "./events.ts";

const [EVENT = expect.fail()] = eventsOf(7, 1);
const UNREACHABLE = { code: "sink/unreachable" };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-command-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(words: readonly string[], timeoutMs = 20_000): Promise<void> {
  return runForEvent(EVENT, { words, timeoutMs, signal: new AbortController().signal });
}

describe("a command", () => {
  it("finds the event on its standard input, its words as they are, and an environment of no use", async () => {
    process.env["OSTIARY_TEST_SECRET"] = "1";
    const heard = join(folder, "heard");
    await run(["/bin/sh", "-c", 'cat > "$1"; env >> "$1"', "sh", heard, "$(id)"]);
    const [line = "", ...environment] = readFileSync(heard, "utf8").split("\n");
    expect(JSON.parse(line)).toEqual(EVENT);
    expect(environment.join("\n")).not.toContain("OSTIARY");
    delete process.env["OSTIARY_TEST_SECRET"];
  });

  it("has heard where it ends with status 0, even if it read nothing", async () => {
    await run(["/bin/true"]);
  });

  it.each([
    ["ends with another status", ["/bin/false"], 20_000],
    ["is not there", ["/nonexistent/program"], 20_000],
    ["is killed", ["/bin/sh", "-c", "kill -9 $$"], 20_000],
    ["does not end", ["/bin/sleep", "600"], 50],
  ])("has not heard where it %s", async (_what, words, timeoutMs) => {
    await expect(run(words, timeoutMs)).rejects.toMatchObject(UNREACHABLE);
  });
});
