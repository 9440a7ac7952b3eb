/** `ostiary demo`: the whole story on this machine, told step by step. */
import { noWords, parseArguments } from "../arguments.ts";
import type { Command, ExitStatus, Terminal } from "../command.ts";

const USAGE = `ostiary demo [--once] [--port N]

A broker on embedded SQLite, a simulated SEV-SNP chip and guest, a real release over HTTP, a refusal and why, the log
verified offline; with cryptsetup at hand, a LUKS2 image opened by the released key. Afterwards the broker stays up until
Ctrl-C; --once ends after the story, with status 0 if everything in it came true.`;

export interface DemoEdges {
  readonly tell: (
    options: { readonly isOnce: boolean; readonly port: number },
    terminal: Terminal,
  ) => Promise<ExitStatus>;
}

export function createDemoCommand({ tell }: DemoEdges): Command {
  return {
    name: "demo",
    summary: "the whole story on this machine: broker, simulated guest, release, refusal",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, {
        once: { type: "boolean" },
        port: { type: "string" },
      });
      noWords(positionals);
      return tell({ isOnce: values.once === true, port: Number(values.port ?? 0) }, terminal);
    },
  };
}
