/** `ostiary store`: the broker's database, made, brought up to date and looked at. */
import { join } from "node:path";
import { parseArguments } from "../arguments.ts";
import { type Command, Misuse } from "../command.ts";

const USAGE = `ostiary store migrate|check [--data DIR | --config FILE]

The database that the configuration of DIR (ostiary-data) names.

  migrate   make the tables of an empty PostgreSQL database, or bring older ones up to date; safe while brokers run
  check     open it as the broker would, change nothing, and say how long its log is`;

export interface StoreEdges {
  /** Each answers how many entries the log has. */
  readonly migrate: (configPath: string) => Promise<number>;
  readonly check: (configPath: string) => Promise<number>;
}

const DEFAULT_FOLDER = "ostiary-data";
const CONFIG_FILE = "ostiary.toml";

export function createStoreCommand(edges: StoreEdges): Command {
  return {
    name: "store",
    summary: "the broker's database: migrate, check",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, {
        data: { type: "string" },
        config: { type: "string" },
      });
      const path = values.config ?? join(values.data ?? DEFAULT_FOLDER, CONFIG_FILE);
      const size = await edges[verbOf(positionals)](path);
      terminal.out(`the database is good; its log has ${size} entries\n`);
      return 0;
    },
  };
}

function verbOf(words: readonly string[]): keyof StoreEdges {
  const [word] = words;
  if (words.length === 1 && (word === "migrate" || word === "check")) return word;
  throw new Misuse("expected `ostiary store migrate` or `ostiary store check`");
}
