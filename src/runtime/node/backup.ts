/** How does `ostiary backup` make a file? The database as it was at one moment, sealed to a key that the broker does not have. */
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { hexOf, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { formatInstant } from "../../base/time.ts";
import { sealStream } from "../../channel/sealed-stream.ts";
import type { MakeBackup } from "../../cli/commands/backup.ts";
import { dump, schemaText } from "../../store/dump.ts";
import { publicKeyIn } from "./backup-key.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { openDriver } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { loadConfig } from "./settings.ts";

/** What stands in clear at the beginning: one line of JSON. */
export interface BackupHeader {
  readonly format: "ostiary-backup-1";
  readonly audience: string;
  /** When it was made. */
  readonly at: string;
  /** SHA-256 of the tables that it holds. */
  readonly schema: string;
}

export function schemaDigest(): string {
  return hexOf(nodePrimitives.digest("sha256", utf8(schemaText())));
}

export const makeBackup: MakeBackup = async (configPath, { file, recipientFile }) => {
  const recipient = await publicKeyIn(recipientFile);
  const loaded = await loadConfig(configPath);
  const header: BackupHeader = {
    format: "ostiary-backup-1",
    audience: loaded.config.audience,
    at: formatInstant(systemNow()),
    schema: schemaDigest(),
  };
  const line = utf8(`${JSON.stringify(header)}\n`);
  const driver = await openDriver(loaded, "existing");
  try {
    return await newFile(file, (write) =>
      driver.snapshot(async (from) => {
        await write(line);
        const sealed = sealStream(
          encoded(dump(from)),
          { recipient, header: line, random: systemRandom },
          nodePrimitives,
        );
        for await (const piece of sealed) await write(piece);
      }),
    );
  } finally {
    await driver.close();
  }
};

async function* encoded(texts: AsyncIterable<string>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const text of texts) yield utf8(text);
}

/** Whole, on disk, and over nothing that is there, or not at all. Answers its size. */
async function newFile(
  path: string,
  fill: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<number> {
  const draft = `${path}.new`;
  let size = 0;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await fill(async (bytes) => {
        await handle.writeFile(bytes);
        size += bytes.length;
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, path);
    await syncFolder(await open(dirname(path), "r"));
    return size;
  } catch (thrown) {
    throw unusable(path, thrown);
  } finally {
    await unlink(draft).catch(() => undefined);
  }
}

async function syncFolder(folder: FileHandle): Promise<void> {
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function unusable(path: string, thrown: unknown): unknown {
  if (thrown instanceof Fault || !(thrown instanceof Error && "code" in thrown)) return thrown;
  const reason = String(thrown.code);
  return new Fault("file/unusable", `\`${path}\` cannot be written, or is there already (${reason})`, {
    path,
    reason,
  });
}
