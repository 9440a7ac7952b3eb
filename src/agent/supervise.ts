/** How does a program run under the agent? Signals go to it, its status comes back, and a change or a failure may begin it again. */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { Fault, systemCodeOf } from "../base/fault.ts";

export interface SuperviseParts {
  /** The environment of the next start: a new one after each change. */
  readonly environment: () => NodeJS.ProcessEnv;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A terminal sends its signals to the program too. */
  readonly isTty: boolean;
}

export interface Supervised {
  /** The program's own status, or 128 and the number of the signal that ended it. @throws {@link Fault} where it cannot be begun. */
  readonly ended: Promise<number>;
  /** Ends it, by force where it takes too long, and begins it again. */
  readonly restart: () => void;
  readonly signal: (signal: NodeJS.Signals) => void;
}

export interface SupervisePlan {
  readonly command: readonly [string, ...string[]];
  /** How often a program that failed is begun again, in all. */
  readonly restarts: number;
  readonly graceMs: number;
}

const FORWARDED = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;
const OF_TERMINALS: ReadonlySet<string> = new Set(["SIGINT", "SIGQUIT", "SIGWINCH"]);
const ENDING: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

interface State {
  child: ChildProcess | undefined;
  /** Told to end from outside: it is not begun again. */
  isEnding: boolean;
  wantsRestart: boolean;
}

/** Starts the program. Whoever ends this process by a signal ends the program, and hears its status. */
export function supervise(plan: SupervisePlan, parts: SuperviseParts): Supervised {
  const state: State = { child: undefined, isEnding: false, wantsRestart: false };
  const forward = (signal: NodeJS.Signals): void => {
    if (ENDING.has(signal)) state.isEnding = true;
    if (!(parts.isTty && OF_TERMINALS.has(signal))) state.child?.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  const ended = runs(plan, parts, state).finally(() => {
    for (const signal of FORWARDED) process.removeListener(signal, forward);
  });
  return {
    ended,
    signal: (signal) => void state.child?.kill(signal),
    restart: () => {
      state.wantsRestart = true;
      end(state.child, plan.graceMs);
    },
  };
}

async function runs(plan: SupervisePlan, parts: SuperviseParts, state: State): Promise<number> {
  let [failures, pause] = [0, FIRST_PAUSE_MS];
  for (;;) {
    state.wantsRestart = false;
    const status = await once(plan, parts, state); // in order: one at a time
    if (state.isEnding) return status;
    if (state.wantsRestart) continue;
    if (status === 0 || failures >= plan.restarts) return status;
    failures += 1;
    await parts.sleep(pause); // in order
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    if (state.isEnding) return status;
  }
}

function once(
  { command: [program, ...words] }: SupervisePlan,
  { environment }: SuperviseParts,
  state: State,
): Promise<number> {
  return new Promise((done, failed) => {
    const child = spawn(program, words, { stdio: "inherit", env: environment() });
    state.child = child;
    child.once("error", (thrown) => {
      const reason = systemCodeOf(thrown);
      failed(new Fault("file/unusable", `\`${program}\` cannot be run (${reason})`, { reason }));
    });
    child.once("exit", (status, signal) => {
      state.child = undefined;
      done(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** A program that does not end in time is ended. */
function end(child: ChildProcess | undefined, graceMs: number): void {
  if (child === undefined) return;
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
  child.once("exit", () => clearTimeout(force));
}
