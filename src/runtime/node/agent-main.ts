/** The agent alone, as one file for guests: the verbs of `ostiary agent`, with or without that word before them. No simulator, no broker. */
import { runCommandLine, type Verb } from "../../cli/main.ts";
import { createTerminal } from "./terminal.ts";

const AGENT: Verb = {
  name: "agent",
  summary: "the guest side: get a secret or a token, unlock a disk",
  load: async () => (await import("./agent.ts")).createNodeAgentCommand(),
};

const [first, ...rest] = process.argv.slice(2);
const words = first === undefined || first === "agent" ? rest : [first, ...rest];

// Not awaited at the top: a single executable's script is none of the modules that could. Nothing is thrown from it.
void runCommandLine(["agent", ...words], [AGENT], createTerminal()).then((status) => {
  process.exitCode = status;
});
