/** `ostiary agent exec … -- COMMAND`: a program with secrets in its environment or in files of its own, for as long as it runs. */
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { AGENT_OPTIONS, type AgentOptions } from "../agent-session.ts";
import { countOf, noWords, parseArguments, secondsOf } from "../arguments.ts";
import { Misuse, type Terminal } from "../command.ts";

/** Which secret, in which form: `PATH#FORMAT`. */
export interface NamedSecret {
  /** Of the variable; for a file, of the one that holds its path too. */
  readonly name: string;
  readonly path: string;
  readonly format: string;
}

export interface ExecPlan {
  readonly command: readonly [string, ...string[]];
  readonly env: readonly NamedSecret[];
  readonly files: readonly NamedSecret[];
  readonly onChange: "none" | "restart" | `SIG${string}`;
  readonly refreshSeconds: number;
  /** How often a program that failed is begun again. */
  readonly restarts: number;
  /** Where its files are, in tmpfs. */
  readonly runFolder?: string;
}

export interface ExecEdges extends AgentFileEdges {
  /** To the end of the program, whose status it gives. @throws {@link Fault} what kept it from starting. */
  readonly exec: (plan: ExecPlan, options: AgentOptions, terminal: Terminal) => Promise<number>;
}

export const EXEC_USAGE = `ostiary agent exec [--env NAME=PATH[#FORMAT]]… [--file NAME=PATH[#FORMAT]]… [--on-change none|restart|signal:NAME]
                    [--refresh TIME] [--restarts N] [--run-dir DIR] -- COMMAND…
`;

const OPTIONS = {
  ...AGENT_OPTIONS,
  env: { type: "string", multiple: true },
  file: { type: "string", multiple: true },
  "on-change": { type: "string" },
  refresh: { type: "string" },
  restarts: { type: "string" },
  "run-dir": { type: "string" },
} as const;

export async function runExec(
  args: readonly string[],
  edges: ExecEdges,
  terminal: Terminal,
): Promise<number> {
  const at = args.indexOf("--");
  const [program, ...words] = at < 0 ? [] : args.slice(at + 1);
  if (program === undefined) throw new Misuse("expected -- and then the command that is to be run");
  const { values, positionals } = parseArguments(args.slice(0, at), OPTIONS);
  noWords(positionals);
  const { version, json, env = [], file = [], restarts, "run-dir": runFolder, ...rest } = values;
  if ((version ?? json) !== undefined) throw new Misuse("expected no --version and no --json with `exec`");
  const plan: ExecPlan = {
    command: [program, ...words],
    env: env.map((text) => namedSecretOf(text, "--env")),
    files: file.map((text) => namedSecretOf(text, "--file")),
    onChange: changeOf(rest["on-change"] ?? "none"),
    refreshSeconds: secondsOf(rest.refresh ?? "5m", "--refresh"),
    restarts: restarts === undefined ? 0 : countOf(restarts, "--restarts"),
    ...(runFolder === undefined ? {} : { runFolder }),
  };
  refuseUnfit(plan);
  return edges.exec(plan, await agentOptionsFor(rest, edges, terminal), terminal);
}

function namedSecretOf(text: string, option: string): NamedSecret {
  const [, name, path, format = "raw"] = /^([A-Za-z_]\w{0,127})=([^#]+)(?:#(.+))?$/.exec(text) ?? [];
  if (name !== undefined && path !== undefined) return { name, path, format };
  throw new Misuse(`expected ${option} NAME=PATH or NAME=PATH#FORMAT`);
}

const SIGNALS = ["HUP", "USR1", "USR2", "TERM", "INT", "QUIT", "WINCH"] as const;

function changeOf(word: string): ExecPlan["onChange"] {
  if (word === "none" || word === "restart") return word;
  const signal = SIGNALS.find((known) => word === `signal:${known}`);
  if (signal !== undefined) return `SIG${signal}`;
  throw new Misuse(`expected --on-change none, restart or signal: with one of ${SIGNALS.join(", ")}`);
}

function refuseUnfit({ env, files, onChange }: ExecPlan): void {
  const names = [...env, ...files].map(({ name }) => name);
  if (names.length === 0)
    throw new Misuse("expected --env or --file at least once: what the program is to have");
  if (new Set(names).size !== names.length) throw new Misuse("expected each NAME once");
  if (onChange.startsWith("SIG") && files.length === 0) {
    throw new Misuse(
      "expected --file with --on-change signal: the environment of a running program stays as it is",
    );
  }
}
