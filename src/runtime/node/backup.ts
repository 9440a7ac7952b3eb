/** How does `ostiary backup` make a file? The database as it was at one moment, sealed to a key that the broker does not have. */
import { link, open, unlink } from "node:fs/promises";
import { utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { sealStream } from "../../channel/sealed-stream.ts";
import type { MakeBackup } from "../../cli/commands/backup.ts";
import { dump } from "../../store/dump.ts";
import { headerOf } from "./backup-header.ts";
import { publicKeyIn } from "./backup-key.ts";
import { systemNow, systemRandom } from "./clock.ts";
import { openDriver } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { syncFolderOf } from "./replaced-file.ts";
import { loadConfig } from "./settings.ts";

export const makeBackup: MakeBackup = async (configPath, { file, recipientFile }) => {
  const recipient = await publicKeyIn(recipientFile);
  const loaded = await loadConfig(configPath);
  const header = headerOf(loaded.config.audience, systemNow());
  const driver = await openDriver(loaded, "existing");
  try {
    return await newFile(file, (write) =>
      driver.snapshot(async (from) => {
        await write(header);
        const sealed = sealStream(
          encoded(dump(from)),
          { recipient, header, random: systemRandom },
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
    await syncFolderOf(path);
    return size;
  } catch (thrown) {
    throw unusable(path, thrown);
  } finally {
    await unlink(draft).catch(() => undefined);
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
