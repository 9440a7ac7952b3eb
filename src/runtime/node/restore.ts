/** How does `ostiary restore` bring a backup back? Into an empty database, and so that everybody can see afterwards that it was done. */
import { type FileHandle, open } from "node:fs/promises";
import { hexOf, parseUtf8, utf8 } from "../../base/bytes.ts";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import { checkDecisions } from "../../broker/check-decisions.ts";
import { checkLog } from "../../broker/check-log.ts";
import { openStream, type ReadExactly } from "../../channel/sealed-stream.ts";
import type { RestoreBackup } from "../../cli/commands/restore.ts";
import { endWriting } from "../../store/copy.ts";
import { load } from "../../store/dump.ts";
import type { SqlDriver } from "../../store/query.ts";
import { createSqlStore } from "../../store/statements.ts";
import { MAX_HEADER, refuseOtherHeader } from "./backup-header.ts";
import { privateKeyIn } from "./backup-key.ts";
import { systemNow } from "./clock.ts";
import { keepersOf } from "./keepers.ts";
import { openDriver } from "./open-store.ts";
import { nodePrimitives } from "./primitives.ts";
import { type LoadedConfig, loadConfig, loadSigners } from "./settings.ts";

export const restoreBackup: RestoreBackup = async (configPath, { file, keyFile, because }) => {
  const loaded = await loadConfig(configPath);
  const privateKey = await privateKeyIn(keyFile);
  const handle = await opened(file);
  try {
    const header = await headerOf(handle, loaded.config.audience);
    const stream = openStream(reader(handle, header.length), { privateKey, header }, nodePrimitives);
    const driver = await openDriver(loaded, "new");
    try {
      const rows = await load(decoded(stream), driver);
      return { rows, ...(await madeKnown(driver, loaded, because)) };
    } finally {
      await driver.close();
    }
  } finally {
    privateKey.fill(0);
    await handle.close();
  }
};

/** A log that holds, two entries more in it, leases held off, keepers that let go of the lost head, and only then a database that a broker starts on. */
async function madeKnown(driver: SqlDriver, loaded: LoadedConfig, because: string) {
  const store = createSqlStore(driver);
  const { ledgerSigner } = await loadSigners(loaded);
  const { audience } = loaded.config;
  const world = { store, ledgerSigner, primitives: nodePrimitives, settings: { audience } };
  await checkLog(world);
  await checkDecisions(world);
  const keepers = await keepersOf(loaded, { store, ledgerSigner });
  const lost = (await Promise.all(keepers.map((keeper) => keeper.lost()))).find((note) => note !== undefined);
  const digest = lost === undefined ? "" : hexOf(nodePrimitives.digest("sha256", utf8(lost)));
  const time = systemNow();
  await store.appendEntry({ v: 1, kind: "epoch", time, act: "restore" });
  await store.appendEntry({
    v: 1,
    kind: "admin",
    time,
    actor: "operator",
    act: "restore",
    subject: because,
    digest,
  });
  await store.suspendLeases(time);
  for (const keeper of keepers) await keeper.letGo(); // one after the other: a few, once
  const entries = await store.ledgerSize();
  await endWriting(driver);
  return { entries, ...(lost === undefined ? {} : { lostEntries: Number(lost.split("\n")[1]) }) };
}

async function opened(file: string): Promise<FileHandle> {
  try {
    return await open(file, "r");
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${file}\` cannot be read (${reason})`, { path: file, reason });
  }
}

/** The first line, with its end: what the rest is bound to. */
async function headerOf(handle: FileHandle, audience: string): Promise<Uint8Array> {
  const { bytesRead, buffer } = await handle.read(new Uint8Array(MAX_HEADER), 0, MAX_HEADER, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(0x0a);
  const header = buffer.slice(0, end + 1);
  refuseOtherHeader(header, audience);
  return header;
}

function reader(handle: FileHandle, start: number): ReadExactly {
  let at = start;
  return async (size) => {
    const buffer = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(buffer, filled, size - filled, at); // in order: a file
      if (bytesRead === 0) break;
      filled += bytesRead;
      at += bytesRead;
    }
    return buffer.subarray(0, filled);
  };
}

async function* decoded(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  for await (const piece of pieces) {
    const text = parseUtf8(piece);
    if (text === undefined) throw new Fault("store/malformed-backup", "expected text in a backup");
    yield text;
  }
}
