/** Which verb was meant, and how does it end? Dispatch, help, and one form for every error. */
import { type Fault, isFault } from "../base/fault.ts";
import { FAULT_CODES } from "../base/fault-codes.ts";
import {
  type Command,
  type ExitStatus,
  exitStatusOf,
  Misuse,
  type ProgramStatus,
  type Terminal,
} from "./command.ts";

/** A verb as the table knows it: its code is loaded when it is called, so that every verb starts fast. */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Runs one command line (without the program's own name) to its exit status. Never throws. */
export async function runCommandLine(
  words: readonly string[],
  verbs: readonly Verb[],
  terminal: Terminal,
): Promise<ExitStatus | ProgramStatus> {
  const [name, ...rest] = words;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    terminal.out(helpOf(verbs));
    return name === undefined ? 2 : 0;
  }
  const verb = verbs.find((known) => known.name === name);
  if (verb === undefined) {
    terminal.err(`ostiary: unknown verb \`${name}\`; \`ostiary --help\` lists them\n`);
    return 2;
  }
  try {
    const command = await verb.load();
    if (rest.includes("--help") || rest.includes("-h")) {
      terminal.out(`${command.summary}\n\n${command.usage.trimEnd()}\n`);
      return 0;
    }
    return await command.run(rest, terminal);
  } catch (thrown) {
    terminal.err(sentenceOf(thrown));
    return exitStatusOf(thrown, (fault) => FAULT_CODES[fault.code].status);
  }
}

function helpOf(verbs: readonly Verb[]): string {
  const width = Math.max(...verbs.map(({ name }) => name.length));
  const lines = verbs.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `Ostiary, an attested key broker for AMD SEV-SNP.\n\nusage: ostiary VERB … (\`ostiary VERB --help\` says more)\n\n${lines.join("\n")}\n`;
}

/** What was expected, what was received, what to do next; never a stack. */
function sentenceOf(thrown: unknown): string {
  if (thrown instanceof Misuse) return `ostiary: ${thrown.message}\n`;
  if (!isFault(thrown))
    return `ostiary: internal error (${thrown instanceof Error ? thrown.name : typeof thrown})\n`;
  const facts = Object.entries(thrown.detail).map(([name, value]) => `  ${name}: ${value}\n`);
  return `ostiary: ${thrown.message}\n  code: ${thrown.code}\n${facts.join("")}  next: ${nextOf(thrown)}\n`;
}

function nextOf(fault: Fault): string {
  return FAULT_CODES[fault.code].next;
}
