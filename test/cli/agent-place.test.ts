/** What does a guest's console say while it waits? What failed, for whom, and what people have to approve. */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { sayTo } from "../../src/cli/agent-place.ts";
import type { Terminal } from "../../src/cli/command.ts";

const BROKER = { url: "https://broker.example" };

function saidOf(fault: Fault): string {
  const said: string[] = [];
  const terminal = { err: (text: string) => void said.push(text) } as unknown as Terminal;
  const way = BROKER as Parameters<NonNullable<ReturnType<typeof sayTo>>>[0]["next"];
  sayTo(terminal)({ fault, failed: way, next: way, milliseconds: 1500 });
  return said.join("");
}

describe("a guest that waits", () => {
  it("says which request people have to approve, and nothing else that a broker wrote", () => {
    const request = "ab".repeat(32);
    const written = `\u001b[2Jneeds two; request ${request} waits for approval`;
    const said = saidOf(new Fault("policy/needs-approval", written, { id: "01J" }));
    const facts = `01J, waits for approval of ${request}`;
    expect(said).toBe(`ostiary: ${BROKER.url}: policy/needs-approval (${facts}); asking again in 1.5 s\n`);
  });

  it("says the code alone where there is nothing to approve", () => {
    const said = saidOf(new Fault("broker/unreachable", "ab".repeat(32)));
    expect(said).toBe(`ostiary: ${BROKER.url}: broker/unreachable; asking again in 1.5 s\n`);
    expect(saidOf(new Fault("policy/needs-approval", "no digest"))).toContain(
      "policy/needs-approval; asking again",
    );
  });
});
