/** `ostiary agent serve`: the daemon of a guest, until it is told to stop. */
import { noWords, parseArguments } from "../arguments.ts";
import type { ExitStatus, Terminal } from "../command.ts";

export interface ServeEdges {
  /** Where the guest's file usually is. */
  readonly usualFile: string;
  /** Reads the file and everything that it names. @throws {@link Fault} `config/invalid`, `file/unusable`. */
  readonly inspectAgent: (path: string) => Promise<void>;
  /** Runs until a signal comes. @throws {@link Fault} as `inspectAgent`. */
  readonly serveAgent: (path: string, terminal: Terminal) => Promise<ExitStatus>;
}

export const SERVE_USAGE = "ostiary agent serve [--config FILE] [--check]\n";

export async function runAgentServe(
  args: readonly string[],
  edges: ServeEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    config: { type: "string" },
    check: { type: "boolean" },
  });
  noWords(positionals);
  const { config: path = edges.usualFile } = values;
  if (values.check !== true) return edges.serveAgent(path, terminal);
  await edges.inspectAgent(path);
  terminal.out(`${path}: good\n`);
  return 0;
}
