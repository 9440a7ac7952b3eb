/** `ostiary health`: does the broker of this machine decide now? For whoever watches a container that has no other program in it. */
import { Fault } from "../../base/fault.ts";
import { formatInstant } from "../../base/time.ts";
import type { Health } from "../../wire/health.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import type { Command } from "../command.ts";

const USAGE = `ostiary health [--data DIR | --config FILE]

Asks the broker of DIR (ostiary-data), on this machine, whether it can decide now: its database answers and its root key opens.
Where the configuration says \`details = "loopback"\` in \`[health]\`, each part of it follows: how it stands, since when, what to do.
Ends with status 0 for yes and 3 for no.`;

export interface HealthAnswer {
  readonly isReady: boolean;
  /** What it answered, by HTTP. */
  readonly status: number;
  readonly parts?: Health["parts"];
}

/** Asks the broker of a configuration. @throws {@link Fault} `broker/unreachable`; `config/invalid`, `file/unusable`. */
export type AskHealth = (configPath: string) => Promise<HealthAnswer>;

export function createHealthCommand(ask: AskHealth): Command {
  return {
    name: "health",
    summary: "whether the broker of this machine can decide now",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, FOLDER_OPTIONS);
      noWords(positionals);
      const { isReady, status, parts = [] } = await ask(configPathOf(values));
      if (isReady) terminal.out("ready\n");
      terminal.out(parts.map(lineOf).join(""));
      if (!isReady)
        throw new Fault("store/unavailable", `expected the broker to be ready, it answers ${status}`);
      return 0;
    },
  };
}

function lineOf({ part, state, since, said, next }: Health["parts"][number]): string {
  const advice = state === "ok" || next === undefined ? "" : `\n         next: ${next}`;
  return `${state.padEnd(7)}  ${part}: ${said} (since ${formatInstant(since)})${advice}\n`;
}
