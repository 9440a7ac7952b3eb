/** How does `ostiary ledger witness` run? A key and a memory in a folder, one path over HTTP, until a signal. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { RunWitness, WitnessOptions } from "../../cli/ledger-source.ts";
import { createRateLimit } from "../../http/limits.ts";
import { createWitnessApp } from "../../http/witness.ts";
import { verifierKeyOf } from "../../ledger/note.ts";
import { systemNow } from "./clock.ts";
import { createLog } from "./log.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "./signers.ts";
import { untilSignal } from "./until-signal.ts";
import { createWitnessMemory, openWitnessMemory } from "./witness-memory.ts";

/** A broker sends one head a second; a source may be several brokers. */
const RATES = { perSource: 20, perBroker: 200 };
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 8192;

export const runWitness: RunWitness = async (options, terminal) => {
  const ended = untilSignal();
  const running = await startWitness(options, terminal.err);
  terminal.out(`ostiary: witness ${options.name} at ${running.url}\nkey ${running.key}\n`);
  await ended;
  await running.close();
  return 0;
};

export interface RunningWitness {
  readonly url: string;
  /** What brokers name it by: C2SP's verifier key of cosignatures. */
  readonly key: string;
  readonly close: () => Promise<void>;
}

/** Starts a witness. @throws {@link Fault} `file/unusable`, `config/invalid`; nothing listens then. */
export async function startWitness(
  { folder, name, logs, host, port }: WitnessOptions,
  writeLog: (line: string) => void,
): Promise<RunningWitness> {
  const [keyFile, memoryFile] = [join(folder, "witness-key.pem"), join(folder, "witness.json")];
  if (!existsSync(folder)) await makeFolder(folder, { keyFile, memoryFile, name });
  const signer = createEd25519Signer("witness-1", new TextDecoder().decode(await bytesOf(keyFile)));
  const memory = await openWitnessMemory(memoryFile, name);
  const app = createWitnessApp({
    name,
    signer,
    logs,
    memory,
    primitives: nodePrimitives,
    now: systemNow,
    rateLimit: createRateLimit(RATES, () => performance.now()),
    log: createLog("info", writeLog),
  });
  const listener = getRequestListener(
    (request, env) => app(request, "incoming" in env ? (env.incoming.socket.remoteAddress ?? "") : ""),
    { overrideGlobalObjects: true },
  );
  const limits = { headersTimeout: REQUEST_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server = createServer({ ...limits, maxHeaderSize: MAX_HEADER_BYTES }, listener);
  await listening(server, host, port);
  const key = verifierKeyOf({ name, spki: signer.spki }, nodePrimitives.digest, "cosignature");
  return { url: urlOf(server, host), key, close: () => closed(server) };
}

/** Made once and whole: a folder that lost its memory is not taken for a new one. */
async function makeFolder(
  folder: string,
  {
    keyFile,
    memoryFile,
    name,
  }: { readonly keyFile: string; readonly memoryFile: string; readonly name: string },
): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    await writeFile(keyFile, generateEd25519Pem(), { mode: 0o600, flag: "wx", flush: true });
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    throw new Fault("file/unusable", `\`${folder}\` cannot be made (${reason})`, { path: folder, reason });
  }
  await createWitnessMemory(memoryFile, name);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (thrown) => {
      const sentence = `the witness cannot listen at ${host} ${port} (${systemCodeOf(thrown)})`;
      reject(new Fault("config/invalid", sentence, { host, port }));
    });
    server.listen(port, host, () => resolve());
  });
}

function urlOf(server: Server, host: string): string {
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
