/** Is an older database kept from serving by a witness, with real processes and nothing but a configuration between them? */
import { execFile } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { originOf } from "../../src/ledger/checkpoint.ts";
import { type NoteKey, verifierKeyOf } from "../../src/ledger/note.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { type RunningWitness, startWitness } from "../../src/runtime/node/witness.ts";
import { asGuest, CLI, createProgram, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";

const SECRET = new TextEncoder().encode("behind a witness");
const NAME = "witness.example/w1";

/** Not the synchronous one: the witness answers in this process. */
function ostiary(...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { encoding: "utf8", timeout: 60_000 } as const;
    execFile(process.execPath, [CLI, ...words], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

interface Ended {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

describe("a broker with a witness", () => {
  let folder: string;
  let log: NoteKey;
  let witness: RunningWitness | undefined;
  let port = 0;
  let witnessKey = "";
  let broker: DemoBroker;
  const at = (name: string): string => join(dirname(broker.signingKeyFile), name);
  const isDatabase = (name: string): boolean => name.startsWith(DATA_FILES.database);
  const startWitnessFor = async (logs: readonly NoteKey[]): Promise<void> => {
    await witness?.close();
    const options = { folder: join(folder, "witness"), name: NAME, logs, host: "127.0.0.1", port };
    witness = await startWitness(options, () => undefined);
    port = Number(new URL(witness.url).port);
  };
  const stopWitness = async (): Promise<void> => {
    await witness?.close();
    witness = undefined;
  };
  const get = (...more: readonly string[]) =>
    ostiary("agent", "get", "prod/disk", "--fd", "1", "--format", "hex", ...asGuest(broker), ...more);
  const seen = (): number =>
    JSON.parse(readFileSync(join(folder, "witness/witness.json"), "utf8")).logs[0]?.size ?? 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "ostiary-witness-"));
    const nobody = createEd25519Signer("nobody", generateEd25519Pem());
    await startWitnessFor([{ name: "nobody.example", spki: nobody.spki }]);
    const { url = "", key = "" } = witness ?? {};
    const configured = (data: string): void => {
      const { spki } = createEd25519Signer("log", readFileSync(join(data, DATA_FILES.ledgerKey), "utf8"));
      log = { name: originOf("https://broker.example/c/0001"), spki };
      const path = join(data, DATA_FILES.config);
      const receipts = "[ledger]\nreceipt_witnesses = 1\nreceipt_wait_seconds = 3\n";
      const lines = `${receipts}[[ledger.witness]]\nurl = "${url}"\nkey = "${key}"\n`;
      witnessKey = key;
      writeFileSync(path, `${readFileSync(path, "utf8")}\n${lines}`);
    };
    broker = await demoBroker({ "prod/disk": SECRET }, configured, (data) => {
      const program = createProgram(["--data", data]);
      return {
        ...program,
        start: async () => {
          if (log !== undefined && seen() === 0) await startWitnessFor([log]);
          await program.start();
        },
      };
    });
  }, 120_000);
  afterAll(async () => {
    await broker.remove();
    await stopWitness();
    rmSync(folder, { recursive: true });
  });

  it("serves, and is cosigned", async () => {
    expect(seen()).toBeGreaterThan(0);
    const got = await get();
    expect(got.stdout.trim()).toBe(Buffer.from(SECRET).toString("hex"));
  });

  it("gives receipts that it has cosigned, and while it says nothing those that are there", async () => {
    const [receipt, logKey] = [join(folder, "receipt"), verifierKeyOf(log, nodePrimitives.digest)];
    const keep = () => get("--receipt", receipt);
    const verify = (...more: readonly string[]) =>
      ostiary("ledger", "verify", "--receipt", receipt, "--key", logKey, ...more);
    expect((await keep()).status).toBe(0);
    expect((await verify("--witness", witnessKey)).status).toBe(0);
    await stopWitness();
    const silent = await listening(port);
    try {
      expect((await keep()).status).toBe(0);
      expect((await verify()).status).toBe(0);
      expect((await verify("--witness", witnessKey)).status).toBe(1);
    } finally {
      await silent.close();
      await startWitnessFor([log]);
    }
  }, 60_000);

  it("goes on serving while the witness says nothing", async () => {
    await stopWitness();
    const silent = await listening(port);
    try {
      const got = await get();
      expect(got.status).toBe(0);
    } finally {
      await silent.close();
      await startWitnessFor([log]);
    }
  }, 60_000);

  it("does not start while its witness cannot be asked, and does where it need not be", async () => {
    await broker.kill();
    await stopWitness();
    const config = at(DATA_FILES.config);
    const refused = await ostiary("serve", "--config", config);
    expect([refused.status, refused.stderr.includes("witness/unreachable")]).toEqual([3, true]);
    const text = readFileSync(config, "utf8");
    writeFileSync(config, `${text}required = false\n`);
    await broker.start();
    await broker.kill();
    writeFileSync(config, text);
    await startWitnessFor([log]);
    await broker.start();
  }, 120_000);

  it("is not served by an older database that somebody put back", async () => {
    await broker.kill();
    mkdirSync(at("older"));
    for (const name of readdirSync(at(".")).filter(isDatabase))
      copyFileSync(at(name), join(at("older"), name));
    await broker.start();
    const before = seen();
    await broker.kill();
    expect(before).toBeGreaterThan(0);
    for (const name of readdirSync(at(".")).filter(isDatabase)) rmSync(at(name));
    for (const name of readdirSync(at("older"))) copyFileSync(join(at("older"), name), at(name));
    await expect(broker.start()).rejects.toThrow("ledger/rolled-back");
    expect(seen()).toBe(before);
  }, 120_000);
});

/** A listener that takes requests and never answers. */
function listening(port: number): Promise<{ readonly close: () => Promise<void> }> {
  return new Promise((resolve, reject) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      sockets.push(socket);
    });
    const close = (): Promise<void> =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      });
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve({ close }));
  });
}
