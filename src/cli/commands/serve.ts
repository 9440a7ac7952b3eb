/** `ostiary serve`: the broker, until it is told to stop. */
import { noWords, parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import type { Command, ExitStatus, Terminal } from "../command.ts";

const USAGE = `ostiary serve [--data DIR | --config FILE] [--trust-simulator FILE] [--check] [--clock-was-ahead]

Runs the broker of DIR (ostiary-data) in the foreground; logs are JSON lines on standard error. SIGTERM and SIGINT end it in
order. --check reads the configuration, names every problem and ends. --trust-simulator takes the simulator's root in
mode = "demo"; in production it is refused. --clock-was-ahead starts although the log has entries of a later time: say so once,
when the clock stood ahead before and is right now.`;

export interface ServeEdges {
  /** Reads the configuration and everything that it names. */
  readonly inspect: (configPath: string, options: ServeOptions) => Promise<void>;
  /** Runs until a signal comes. */
  readonly serve: (configPath: string, options: ServeOptions, terminal: Terminal) => Promise<ExitStatus>;
}

export interface ServeOptions {
  readonly trustSimulatorFile?: string;
  readonly clockWasAhead?: boolean;
}

export function createServeCommand(edges: ServeEdges): Command {
  return {
    name: "serve",
    summary: "run the broker; --check only reads the configuration",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, {
        ...FOLDER_OPTIONS,
        "trust-simulator": { type: "string" },
        check: { type: "boolean" },
        "clock-was-ahead": { type: "boolean" },
      });
      noWords(positionals);
      const path = configPathOf(values);
      const file = values["trust-simulator"];
      const options = {
        ...(file === undefined ? {} : { trustSimulatorFile: file }),
        ...(values["clock-was-ahead"] === true ? { clockWasAhead: true } : {}),
      };
      if (values.check !== true) return edges.serve(path, options, terminal);
      await edges.inspect(path, options);
      terminal.out(`${path}: good\n`);
      return 0;
    },
  };
}
