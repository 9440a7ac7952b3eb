/** Where is a TPM? Tests start swtpm on a port or a socket of this machine with an empty state of its own, where the machine has it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "vitest";
import { emptyPassword } from "../../src/attestation/tpm/command.ts";
import { concatBytes, u16be, u32be } from "../../src/base/bytes.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { freePort } from "../agent/demo-broker.ts";

const isSwtpmHere = spawnSync("swtpm", ["--version"]).status === 0;

/** Tests that need a TPM; where swtpm is not installed they are skipped by name with the reason. */
export function describeWithSwtpm(name: string, tests: () => void): void {
  if (isSwtpmHere) describe(name, tests);
  else describe.skip(`${name} (no TPM here: install the package \`swtpm\`)`, tests);
}

export interface TestTpm {
  /** As a configuration names it. */
  readonly device: string;
  /** Ends it, and starts it again on the same state: as a machine that boots. */
  readonly reboot: () => Promise<void>;
  readonly stop: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** A TPM fresh from its maker. */
export async function startTpm(by: "tcp" | "unix" = "tcp"): Promise<TestTpm> {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-tpm-"));
  const state = join(folder, "state");
  mkdirSync(state);
  const port = await freePort();
  const socket = join(folder, "socket");
  const server = by === "tcp" ? `type=tcp,port=${port},bindaddr=127.0.0.1` : `type=unixio,path=${socket}`;
  const device = by === "tcp" ? `tcp:127.0.0.1:${port}` : `unix:${socket}`;
  const where = by === "tcp" ? { host: "127.0.0.1", port } : { path: socket };
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const words = ["socket", "--tpm2", "--tpmstate", `dir=${state}`, "--server", server];
    child = spawn("swtpm", [...words, "--flags", "not-need-init,startup-clear"], { stdio: "ignore" });
    for (let tries = 0; tries < 200 && !(await answers(where)); tries += 1) await sleep(25);
  };
  const stop = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child?.once("exit", done));
    child.kill("SIGTERM");
    await ended;
  };
  await start();
  return {
    device,
    reboot: async () => {
      await stop();
      await start();
    },
    stop,
    remove: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(where: { readonly host: string; readonly port: number } | { readonly path: string }) {
  return new Promise<boolean>((done) => {
    const socket = connect(where, () => {
      socket.destroy();
      done(true);
    });
    socket.once("error", () => done(false));
  });
}

/** Measures something into a PCR, as firmware or a kernel does. */
export async function extendPcr(pcr: number, device: string): Promise<void> {
  await withTpm(device, (transact) => transact(extension(pcr)));
}

/** TPM2_PCR_Extend. */
export function extension(pcr: number): Uint8Array {
  return rawCommand(0x182, [pcr], concatBytes(u32be(1), u16be(0x000b), new Uint8Array(32).fill(0xa5)));
}

/**
 * A command of the owner's or of nobody's, by an empty password.
 *
 * @param authorized - How many of the handles, from the first on, need one.
 */
export function raw(
  code: number,
  handles: readonly number[],
  parameters: Uint8Array,
  device: string,
  authorized = handles.length,
): Promise<Uint8Array> {
  return withTpm(device, (transact) => transact(rawCommand(code, handles, parameters, authorized)));
}

/** Its bytes, for whoever has the TPM open already. */
export function rawCommand(
  code: number,
  handles: readonly number[],
  parameters: Uint8Array,
  authorized = handles.length,
): Uint8Array {
  const auth = emptyPassword();
  const areas = handles.slice(0, authorized).map(() => auth);
  const body = concatBytes(
    u32be(code),
    ...handles.map(u32be),
    u32be(auth.length * areas.length),
    ...areas,
    parameters,
  );
  return concatBytes(u16be(0x8002), u32be(body.length + 6), body);
}
