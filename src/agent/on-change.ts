/** What is done when a file is another? A command without a shell, or a signal to the process whose number a file holds. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { Fault, systemCodeOf } from "../base/fault.ts";

export type ChangeAction =
  | { readonly command: readonly [string, ...string[]] }
  | { readonly signal: NodeJS.Signals; readonly pidFile: string };

const COMMAND_MS = 30_000;

/** What is the service manager's to say to this process is not its children's to hear. */
const OWN = /^(NOTIFY_SOCKET|LISTEN_(PID|FDS|FDNAMES)|WATCHDOG_(PID|USEC))$/;

/** The environment of a child. */
export function childEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(own).filter(([name]) => !OWN.test(name)));
}

/** @throws {@link Fault} `file/unusable` for what cannot be done, does not end well, or takes half a minute. */
export function actOnChange(action: ChangeAction, environment: NodeJS.ProcessEnv): Promise<void> {
  return "command" in action ? run(action.command, environment) : signalled(action);
}

function run(
  [program, ...words]: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(program, words, {
      stdio: ["ignore", "ignore", "inherit"],
      env: childEnvironment(environment),
      timeout: COMMAND_MS,
      killSignal: "SIGKILL",
    });
    child.once("error", (thrown) =>
      failed(unusable(`\`${program}\` cannot be run (${systemCodeOf(thrown)})`)),
    );
    child.once("exit", (status, signal) => {
      if (status === 0) done();
      else failed(unusable(`\`${program}\` ended with ${signal ?? `status ${status}`}`));
    });
  });
}

async function signalled({
  signal,
  pidFile,
}: {
  readonly signal: NodeJS.Signals;
  readonly pidFile: string;
}): Promise<void> {
  try {
    const text = await readFile(pidFile, "utf8");
    const [, digits] = /^([1-9]\d{0,9})\s*$/.exec(text) ?? [];
    if (digits === undefined) throw unusable(`expected the number of a process in \`${pidFile}\``);
    process.kill(Number(digits), signal);
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown;
    throw unusable(`expected the process of \`${pidFile}\` (${systemCodeOf(thrown)})`);
  }
}

function unusable(message: string): Fault {
  return new Fault("file/unusable", message);
}
