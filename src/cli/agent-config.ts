/** Which options does the guest's file give, and which stand in their place? What a verb says wins, and is said to win. */
import { AGENT_OPTIONS, type AgentOptions, type AgentValues, agentOptionsOf } from "./agent-session.ts";
import type { Terminal } from "./command.ts";

/** What a file of a guest says, as options of a verb: once for each broker, with what belongs to the machine. */
export interface AgentFile {
  readonly path: string;
  readonly brokers: readonly [AgentValues, ...AgentValues[]];
}

export interface AgentFileEdges {
  /**
   * Reads the file that is named, else the usual one where it is there.
   *
   * @throws {@link Fault} `file/unusable`, `config/invalid`.
   */
  readonly agentFile: (path: string | undefined) => Promise<AgentFile | undefined>;
}

/** What belongs to the machine and not to one broker. */
const OF_THE_MACHINE = [
  "provider",
  "vmpl",
  "tsm-dir",
  "tpm",
  "thim",
  "event-log",
  "host-vtpm",
  "svsm-vtpm",
  "run-dir",
  "simulator-dir",
  "deadline",
  "spread",
  "posture",
] as const;

/**
 * The options of a verb over those of the file. With `--broker` another broker is meant, and nothing of the file's goes with it:
 * a key that was pinned for one must not be taken for the key of another.
 *
 * @throws {@link Misuse} for options that do not fit; {@link Fault} for a file that does not.
 */
export async function agentOptionsFor(
  given: AgentValues,
  { agentFile }: AgentFileEdges,
  terminal: Terminal,
): Promise<AgentOptions> {
  const values = optionsAmong(given);
  const named = values.config;
  const file = await agentFile(typeof named === "string" ? named : undefined);
  if (file === undefined) return agentOptionsOf(values);
  const [first, ...others] = file.brokers;
  const isOther = values.broker !== undefined;
  if (isOther) terminal.err(`ostiary: --broker is given: no broker of ${file.path} counts\n`);
  const under = isOther ? ofTheMachine(first) : first;
  for (const name of replacedBy(values, isOther ? [under] : file.brokers)) {
    terminal.err(`ostiary: --${name} stands in the place of what ${file.path} says\n`);
  }
  const beside = isOther ? [] : others.map((other) => ({ ...other, ...values }));
  return agentOptionsOf({ ...under, ...values }, beside);
}

/** A verb has options of its own beside these. */
function optionsAmong(given: AgentValues): AgentValues {
  const known = new Set(Object.keys(AGENT_OPTIONS));
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => known.has(name) && value !== undefined),
  );
}

function ofTheMachine(values: AgentValues): AgentValues {
  return Object.fromEntries(
    OF_THE_MACHINE.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  );
}

function replacedBy(values: AgentValues, files: readonly AgentValues[]): readonly string[] {
  const names = Object.keys(AGENT_OPTIONS) as (keyof AgentValues)[];
  return names.filter(
    (name) =>
      values[name] !== undefined &&
      files.some((file) => file[name] !== undefined && file[name] !== values[name]),
  );
}
