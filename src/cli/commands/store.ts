/** `ostiary store`: the broker's database, made, brought up to date and looked at. */
import type { Filling } from "../../broker/tiles.ts";
import { parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import { type Command, Misuse } from "../command.ts";

const USAGE = `ostiary store migrate|check [--data DIR | --config FILE]
ostiary store copy FROM TO

The database that the configuration of DIR (ostiary-data) names.

  migrate   make the tables of an empty PostgreSQL database, or bring older ones up to date, and make the tiles that the log of
            an older version lacks; safe while brokers run
  check     open it as the broker would, hold every entry and every tile against the signed head, and the record of shadows
            against the entries; change nothing, and say how long the log is
  copy      everything from the database of the configuration FROM to that of TO, which is made or empty; stop the brokers
            of FROM first. Until it is whole and compared no broker starts on it. In the place of a configuration stands, for
            Cloudflare D1, a file that ends in .sql: what \`wrangler d1 export\` wrote, or what \`wrangler d1 execute\` is to
            carry out on tables without rows`;

export interface StoreEdges {
  /** Each answers how many entries the log has; `migrate` tells how many of them are under tiles. */
  readonly migrate: (configPath: string, tell: (filling: Filling) => void) => Promise<number>;
  readonly check: (configPath: string) => Promise<number>;
  readonly copy: (from: string, to: string) => Promise<Copied>;
}

/** Into a database, or into a file of SQL. */
export type Copied = { readonly rows: number } | { readonly statements: number };

export function createStoreCommand(edges: StoreEdges): Command {
  return {
    name: "store",
    summary: "the broker's database: migrate, check, copy",
    usage: USAGE,
    run: async (args, terminal) => {
      const { values, positionals } = parseArguments(args, FOLDER_OPTIONS);
      const [verb, from, to, ...more] = positionals;
      if (verb === "copy") {
        if (from === undefined || to === undefined || more.length > 0) throw new Misuse(COPY_WORDS);
        terminal.out(sentenceOf(await edges.copy(from, to)));
        return 0;
      }
      const path = configPathOf(values);
      const size = await edges[verbOf(positionals)](path, ({ filled, size: all }) =>
        terminal.err(`tiles of ${filled} of ${all} entries\n`),
      );
      terminal.out(`the database is good; its log has ${size} entries\n`);
      return 0;
    },
  };
}

function sentenceOf(copied: Copied): string {
  if ("rows" in copied) return `${copied.rows} rows copied and compared\n`;
  return `${copied.statements} statements written, for tables without rows: none of them is compared yet\n`;
}

const COPY_WORDS = "expected two configurations, or a file of SQL for one: `ostiary store copy FROM TO`";

function verbOf(words: readonly string[]): "migrate" | "check" {
  const [word] = words;
  if (words.length === 1 && (word === "migrate" || word === "check")) return word;
  throw new Misuse("expected `ostiary store migrate`, `check` or `copy`");
}
