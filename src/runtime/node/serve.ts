/** How does `ostiary serve` run? Until a signal, then in order; with --check it reads and ends. */
import { resolve } from "node:path";
import { Fault } from "../../base/fault.ts";
import { isSealed } from "../../broker/unseal.ts";
import type { ExitStatus, Terminal } from "../../cli/command.ts";
import type { ServeOptions } from "../../cli/commands/serve.ts";
import { type RunningBroker, startBroker } from "./broker.ts";
import { openKek } from "./open-kek.ts";
import { ownProviderOf } from "./own-evidence.ts";
import { type LoadedConfig, loadConfig, loadSettings, loadSigners } from "./settings.ts";
import { createSimulatedBroker } from "./simulator-provider.ts";
import { witnessesOf } from "./witnesses.ts";

/** @throws {@link Fault} `config/invalid`, `file/unusable`, `kek/unavailable`: whatever would keep the broker from starting. */
export async function inspect(configPath: string, options: ServeOptions): Promise<void> {
  const loaded = await loadServed(configPath, options);
  await loadSettings(loaded);
  await loadSigners(loaded);
  await openKek(loaded, { provider: ownProviderOf(loaded, createSimulatedBroker) });
  witnessesOf(loaded.config);
}

export async function serve(
  configPath: string,
  options: ServeOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const loaded = await loadServed(configPath, options);
  const ended = untilSignal(); // before it serves, so that no signal finds nobody listening
  const broker = await startBroker(loaded, {
    writeLog: terminal.err,
    simulator: createSimulatedBroker,
    clockWasAhead: options.clockWasAhead === true,
  });
  const sealed = isSealed(broker.world) ? ", sealed: `ostiary kek unseal` gives a share" : "";
  terminal.out(`ostiary: serving ${broker.url} (${loaded.config.mode}${sealed})\n`);
  process.on("SIGHUP", () => reload(broker));
  await ended;
  await broker.close();
  return 0;
}

/** A certificate that cannot be read leaves the one that is there, and says so. */
function reload({ world, reload: reloadTls }: RunningBroker): void {
  try {
    reloadTls();
    world.log("info", "reloaded");
  } catch (thrown) {
    world.log("error", "reload-failed", { reason: thrown instanceof Fault ? thrown.message : "unknown" });
  }
}

/** The option stands in for the configuration's `trust_simulator`; production refuses both. */
async function loadServed(configPath: string, { trustSimulatorFile }: ServeOptions): Promise<LoadedConfig> {
  const loaded = await loadConfig(configPath);
  if (trustSimulatorFile === undefined) return loaded;
  if (loaded.config.mode !== "demo") {
    throw new Fault(
      "config/invalid",
      'expected mode = "demo" for --trust-simulator; production trusts AMD alone',
    );
  }
  return { ...loaded, config: { ...loaded.config, trustSimulatorFile: resolve(trustSimulatorFile) } };
}

/** Until the process is told to end. */
export function untilSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => done());
  });
}
