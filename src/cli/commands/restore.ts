/** `ostiary restore`: a backup into an empty database, as an act that stands in the log. */
import { oneWord, parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import { type Command, Misuse } from "../command.ts";

const USAGE = `ostiary restore FILE --key PRIVATE --because TEXT [--data DIR | --config FILE]

Puts the backup FILE into the database that the configuration of DIR (ostiary-data) names, which is made or empty. Stop
every broker first. The log says that it was done, and why; nonces and tokens that are out count no more. What happened
since the backup is lost: secrets put since are gone, secrets destroyed since are there again, and so are uses of counters
and admin requests. Where \`[ledger] head_file\` kept a later head, it stays beside it as .lost, for auditors.

  --key PRIVATE    the private key of the backup
  --because TEXT   the reason, for the log (at most 200 characters)`;

const MAX_REASON = 200;

export interface Restored {
  readonly rows: number;
  /** How long the log is now. */
  readonly entries: number;
  /** How long it was by the head that was kept apart. */
  readonly lostEntries?: number;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`, `store/…`. */
export type RestoreBackup = (
  configPath: string,
  plan: { readonly file: string; readonly keyFile: string; readonly because: string },
) => Promise<Restored>;

export function createRestoreCommand(restoreBackup: RestoreBackup): Command {
  return {
    name: "restore",
    summary: "a backup into an empty database, as an act that stands in the log",
    usage: USAGE,
    run: async (args, terminal) => {
      const text = { type: "string" } as const;
      const { values, positionals } = parseArguments(args, {
        ...FOLDER_OPTIONS,
        key: text,
        because: text,
      });
      const file = oneWord(positionals, "FILE");
      const { key: keyFile, because } = values;
      if (keyFile === undefined || because === undefined || because === "" || because.length > MAX_REASON) {
        throw new Misuse(`expected --key PRIVATE and --because TEXT of at most ${MAX_REASON} characters`);
      }
      const path = configPathOf(values);
      const { rows, entries, lostEntries } = await restoreBackup(path, { file, keyFile, because });
      terminal.out(`${rows} rows restored; the log has ${entries} entries\n`);
      if (lostEntries !== undefined) {
        terminal.out(
          `it had ${lostEntries} by the head that was kept apart, which is now beside it as .lost\n`,
        );
      }
      terminal.out("nonces and tokens that were out count no more; start the brokers\n");
      return 0;
    },
  };
}
