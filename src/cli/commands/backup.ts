/** `ostiary backup`: the database in a file that only the holder of a key elsewhere can open, made while brokers serve. */
import { oneWord, parseArguments } from "../arguments.ts";
import { configPathOf, FOLDER_OPTIONS } from "../broker-folder.ts";
import { type Command, Misuse } from "../command.ts";

const USAGE = `ostiary backup FILE --to PUBLIC [--data DIR | --config FILE]
ostiary backup --make-key FILE

The database that the configuration of DIR (ostiary-data) names, as it is at one moment, into a new FILE. Brokers go on.
Whoever has FILE learns nothing without the private key, and no secret without the broker's root key besides.

  --to PUBLIC      the public key that --make-key wrote
  --make-key FILE  a pair of keys: the private one in FILE, to be kept where no broker is, the public one in FILE.pub`;

/** Answers how many bytes were written. @throws {@link Fault} `file/unusable`, `config/invalid`, `store/…`. */
export type MakeBackup = (
  configPath: string,
  plan: { readonly file: string; readonly recipientFile: string },
) => Promise<number>;

export interface BackupEdges {
  readonly makeBackup: MakeBackup;
  /** Answers where the public half is. @throws {@link Fault} `file/unusable`. */
  readonly makeBackupKey: (path: string) => Promise<string>;
}

export function createBackupCommand({ makeBackup, makeBackupKey }: BackupEdges): Command {
  return {
    name: "backup",
    summary: "the database in a file, sealed to a key that is elsewhere",
    usage: USAGE,
    run: async (args, terminal) => {
      const text = { type: "string" } as const;
      const options = { ...FOLDER_OPTIONS, to: text, "make-key": text };
      const { values, positionals } = parseArguments(args, options);
      const key = values["make-key"];
      if (key !== undefined) {
        if (positionals.length > 0 || values.to !== undefined)
          throw new Misuse("expected --make-key FILE alone");
        const made = await makeBackupKey(key);
        terminal.out(
          `${key}: the private key. Keep it where no broker is: without it no backup can be read\n`,
        );
        terminal.out(`${made}: the public key, for \`ostiary backup --to\`\n`);
        return 0;
      }
      const file = oneWord(positionals, "FILE");
      if (values.to === undefined) throw new Misuse("expected --to PUBLIC");
      const path = configPathOf(values);
      const size = await makeBackup(path, { file, recipientFile: values.to });
      terminal.out(`${file}: ${size} bytes\n`);
      return 0;
    },
  };
}
