/** What does an agent meet in a test? A real broker on a port of this machine, in demo mode, with secrets and a live policy. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Signer } from "../../src/base/primitives.ts";
import { explainAll } from "../../src/cli/policy/explain.ts";
import { type AdminClient, createAdminClient } from "../../src/client/admin.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { systemNow, systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES, initDataFolder } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, spkiOfPublicPem } from "../../src/runtime/node/signers.ts";
import { SIMULATOR_ROOT_FILE } from "../../src/simulator/chip-folder.ts";
import { simulatedRoot } from "../support/simulated.ts";

const MEASUREMENT = "02".repeat(48);

/** PCR 11 of a VM of Azure's, or under an SVSM, that these brokers release to. */
export const BOOTED_ON_AZURE = "11".repeat(32);

const POLICY = `writ 1
module acme.agent version 1.0.0 { owner "ops@acme.example" }

policy limited {
  for resource "limited/**"
  platform bare-metal
  require measurement == hex"${MEASUREMENT}"
  require has report.chip_id
  allow "boot" when request.op in [release, unwrap]
  on release { key_version any max_releases 60 per report.chip_id within 1h }
}

policy disks {
  for resource "prod/**", "token/sts", "attest"
  platform bare-metal
  require measurement == hex"${MEASUREMENT}" else "this image is not approved"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op in [release, unwrap]
  on release { key_version any }
}

policy fresh {
  for resource "fresh/**"
  platform bare-metal
  require measurement == hex"${MEASUREMENT}"
  require evidence.age == 0s else "show evidence"
  allow "boot" when request.op == release
  on release { audit full }
}

policy azure {
  for resource "azure/**"
  platform azure
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${BOOTED_ON_AZURE}" else "another system booted"
  allow "boot" when request.op == release
  on release { audit full }
}

policy svsm {
  for resource "svsm/**"
  platform svsm
  require measurement == hex"${MEASUREMENT}" else "another SVSM"
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${BOOTED_ON_AZURE}" else "another system booted"
  allow "boot" when request.op == release
  on release { audit full }
}
`;

export type Program = Pick<DemoBroker, "start" | "kill">;

export interface DemoBroker {
  readonly url: string;
  readonly audience: string;
  readonly signingKey: Uint8Array;
  readonly signingKeyFile: string;
  /** Where the simulated machine is that this broker trusts. */
  readonly machine: string;
  readonly admin: AdminClient;
  /** Makes another policy live in the place of that of these tests. */
  readonly decideBy: (policy: string) => Promise<void>;
  readonly start: () => Promise<void>;
  /** SIGKILL: nothing is put in order. */
  readonly kill: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/**
 * Makes a data folder as an operator does, starts the program on it, and puts secrets and a policy as an admin does.
 *
 * @param prepare - Changes the folder before the first start.
 * @param programOf - What serves on this port with what the folder holds: `ostiary serve`, unless it is said.
 */
export async function demoBroker(
  secrets: Readonly<Record<string, Uint8Array>>,
  prepare: (data: string) => void = () => undefined,
  programOf: (data: string, port: number) => Program = (data) => createProgram(["--data", data]),
): Promise<DemoBroker> {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-agent-"));
  const data = join(folder, "data");
  const port = await freePort();
  const audience = "https://broker.example/c/0001";
  const url = `http://127.0.0.1:${port}`;
  await initDataFolder(data, { audience, mode: "demo", port, isKdsEnabled: false });
  const machine = trustedMachine(folder, join(data, DATA_FILES.config));
  prepare(data);
  const program = programOf(data, port);
  const signer = createEd25519Signer("admin-1", readFileSync(join(data, DATA_FILES.adminKey), "utf8"));
  const admin = createAdminClient({
    url,
    audience,
    signer,
    fetch: unkept,
    now: systemNow,
    random: systemRandom,
    digest: nodePrimitives.digest,
  });
  await program.start();
  for (const [path, plaintext] of Object.entries(secrets)) {
    await admin.putSecret(path, { kind: "static", plaintext }); // in order: versions count
  }
  await makeLive(admin, signer, audience);
  const signingKeyFile = join(data, DATA_FILES.signingPublicKey);
  const signingKey = spkiOfPublicPem(readFileSync(signingKeyFile, "utf8"));
  const remove = async (): Promise<void> => {
    await program.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const decideBy = (policy: string): Promise<void> => makeLive(admin, signer, audience, policy);
  return { url, audience, signingKey, signingKeyFile, machine, admin, decideBy, ...program, remove };
}

/** A test that waits for a program has no eye for a kept connection that the broker ends meanwhile. */
export const unkept: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("connection", "close");
  return fetch(input, { ...init, headers });
};

/** The words of `ostiary agent` for a guest that pins this broker and runs on the machine that it trusts. */
export function asGuest({ url, audience, signingKeyFile, machine }: DemoBroker): readonly string[] {
  const pins = ["--broker", url, "--audience", audience, "--signing-key", signingKeyFile];
  return [...pins, "--provider", "simulator", "--simulator-dir", machine];
}

/** A machine under the root whose slow keys all tests share, named in the configuration. */
function trustedMachine(folder: string, configPath: string): string {
  simulatedRoot("genoa");
  const machine = join(folder, "machine");
  mkdirSync(machine);
  for (const name of ["root-genoa.json", SIMULATOR_ROOT_FILE]) {
    copyFileSync(join(tmpdir(), "ostiary-simulator-v1", "genoa", name), join(machine, name));
  }
  const config = readFileSync(configPath, "utf8");
  const trust = `trust_simulator = "${join(machine, SIMULATOR_ROOT_FILE)}"`;
  const rates = "[rates]\nchallenges_per_source = 1000\n";
  writeFileSync(configPath, `${config.replace('mode = "demo"', `mode = "demo"\n${trust}`)}\n${rates}`);
  return machine;
}

/** A broker process on what `words` name. */
export function createProgram(words: readonly string[]): Program {
  let child: ChildProcess | undefined;
  return {
    start: async () => {
      child = spawn(process.execPath, [CLI, "serve", ...words], { stdio: ["ignore", "pipe", "pipe"] });
      await serving(child);
    },
    kill: async () => {
      const running = child;
      child = undefined;
      if (running === undefined || running.exitCode !== null) return;
      const ended = new Promise((done) => running.once("exit", done));
      running.kill("SIGKILL");
      await ended;
    },
  };
}

export const CLI = join(import.meta.dirname, "../../src/runtime/node/cli.ts");

function serving(child: ChildProcess): Promise<void> {
  return new Promise((ready, failed) => {
    let said = "";
    child.stderr?.on("data", (piece) => {
      said += String(piece);
    });
    child.stdout?.on("data", (piece) => {
      if (String(piece).includes("serving")) ready();
    });
    child.once("exit", () => failed(new Error(`the broker ended: ${said}`)));
  });
}

async function makeLive(admin: AdminClient, signer: Signer, audience: string, text = POLICY): Promise<void> {
  const { live, roster = null } = await admin.listBundles();
  const tar = packBundle([{ path: "agent.writ", text }], live?.digest, nodePrimitives.digest);
  const { digest } = await admin.proposeBundle({ tar, signature: await signBundle(tar, signer) });
  const session = { client: admin, signer, audience, now: systemNow };
  await explainAll({ digest, because: "a test" }, session, { err: () => {}, isTty: false });
  const order = { digest, serial: (live?.serial ?? 0) + 1, audience, at: systemNow(), roster };
  await admin.activateBundle(digest, await signActivation(order, signer));
}

export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address !== null ? found(address.port) : failed(new Error("a port")),
      );
    });
  });
}

export function random(size: number): Uint8Array {
  return Uint8Array.from(randomBytes(size));
}
