/** How is a program told of an event? It is begun for each, with the event on its standard input; status 0 says that it has it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Fault } from "../base/fault.ts";
import { type AuditEvent, auditLine } from "../wire/audit-event.ts";

export interface CommandParts {
  /** The program's absolute path and its words: no shell reads them. */
  readonly words: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What a program finds in its environment: nothing of the broker's, which may hold keys. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** @throws {@link Fault} `sink/unreachable`. */
export async function runForEvent(event: AuditEvent, parts: CommandParts): Promise<void> {
  const [program = "", ...words] = parts.words;
  const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(parts.timeoutMs)]);
  const child = spawn(program, words, {
    stdio: ["pipe", "ignore", "ignore"],
    env: ENVIRONMENT,
    signal,
    killSignal: "SIGKILL",
  });
  child.stdin.on("error", () => undefined); // one that reads nothing may still have done its work
  child.stdin.end(`${auditLine(event)}\n`);
  const status = await once(child, "exit").then(
    ([code]) => `status ${code}`,
    () => (signal.aborted ? "too slow" : "cannot be begun"),
  );
  if (status !== "status 0") {
    throw new Fault("sink/unreachable", `expected the command to end with status 0 (${status})`, { status });
  }
}
