/** `ostiary health`: does the broker of this machine decide now? For whoever watches a container that has no other program in it. */
import { noWords, parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import type { Command } from "../command.ts";

const USAGE = `ostiary health [--data DIR | --config FILE]

Asks the broker of DIR (ostiary-data), on this machine, whether it can decide now: its database answers and its root key opens.
Ends with status 0 for yes and 3 for no.`;

/** Asks the broker of a configuration. @throws {@link Fault} `broker/unreachable`, `store/unavailable`; `config/invalid`, `file/unusable`. */
export type AskHealth = (configPath: string) => Promise<void>;

export function createHealthCommand(ask: AskHealth): Command {
  return {
    name: "health",
    summary: "whether the broker of this machine can decide now",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, FOLDER_OPTIONS);
      noWords(positionals);
      await ask(configPathOf(values));
      terminal.out("ready\n");
      return 0;
    },
  };
}
