/** `ostiary health`: does the broker of this machine decide now? For whoever watches a container that has no other program in it. */
import { join } from "node:path";
import { noWords, parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";

const USAGE = `ostiary health [--data DIR | --config FILE]

Asks the broker of DIR (ostiary-data), on this machine, whether it can decide now: its database answers and its root key opens.
Ends with status 0 for yes and 3 for no.`;

/** Asks the broker of a configuration. @throws {@link Fault} `broker/unreachable`, `store/unavailable`; `config/invalid`, `file/unusable`. */
export type AskHealth = (configPath: string) => Promise<void>;

const DEFAULT_FOLDER = "ostiary-data";
const CONFIG_FILE = "ostiary.toml";

export function createHealthCommand(ask: AskHealth): Command {
  return {
    name: "health",
    summary: "whether the broker of this machine can decide now",
    usage: USAGE,
    run: async (args, terminal) => {
      const options = { data: { type: "string" }, config: { type: "string" } } as const;
      const { values, positionals } = parseArguments(args, options);
      noWords(positionals);
      await ask(values.config ?? join(values.data ?? DEFAULT_FOLDER, CONFIG_FILE));
      terminal.out("ready\n");
      return 0;
    },
  };
}
