/** How does `ostiary serve` run? Until a signal, then in order; with --check it reads and ends. */
import { resolve } from "node:path";
import { Fault } from "../../base/fault.ts";
import { isSealed } from "../../broker/unseal.ts";
import type { ExitStatus, Terminal } from "../../cli/command.ts";
import type { ServeOptions } from "../../cli/commands/serve.ts";
import { startBroker } from "./broker.ts";
import { headPlacesOf } from "./head-places.ts";
import { openKek } from "./open-kek.ts";
import { ownProviderOf } from "./own-evidence.ts";
import { reloaded } from "./reload.ts";
import { pseudonymsOf } from "./salt.ts";
import { type LoadedConfig, loadConfig, loadSettings, loadSigners } from "./settings.ts";
import { createSimulatedBroker } from "./simulator-provider.ts";
import { untilSignal } from "./until-signal.ts";
import { witnessesOf } from "./witnesses.ts";

/** @throws {@link Fault} `config/invalid`, `file/unusable`, `kek/unavailable`: whatever would keep the broker from starting. */
export async function inspect(configPath: string, options: ServeOptions): Promise<void> {
  const loaded = await loadServed(configPath, options);
  await loadSettings(loaded);
  await loadSigners(loaded);
  await openKek(loaded, { provider: await ownProviderOf(loaded, createSimulatedBroker) });
  witnessesOf(loaded.config);
  await headPlacesOf(loaded);
  await pseudonymsOf(loaded);
}

export async function serve(
  configPath: string,
  options: ServeOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const loaded = await loadServed(configPath, options);
  if (loaded.config.listen.processes > 1) return serveTogether(loaded, options, terminal);
  const ended = untilSignal(); // before it serves, so that no signal finds nobody listening
  const broker = await startBroker(loaded, {
    writeLog: terminal.err,
    simulator: createSimulatedBroker,
    clockWasAhead: options.clockWasAhead === true,
  });
  const sealed = isSealed(broker.world) ? ", sealed: `ostiary kek unseal` gives a share" : "";
  terminal.out(`ostiary: serving ${broker.url} (${loaded.config.mode}${sealed})\n`);
  process.on("SIGHUP", () => reloaded(broker));
  await ended;
  await broker.close();
  return 0;
}

/** This program is the first process, or was begun by it as one of those that serve. */
async function serveTogether(
  loaded: LoadedConfig,
  options: ServeOptions,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { default: cluster } = await import("node:cluster");
  if (cluster.isWorker) return (await import("./one-process.ts")).serveInOneProcess(loaded, terminal);
  const { serveInProcesses } = await import("./processes.ts");
  return serveInProcesses(
    loaded,
    { clockWasAhead: options.clockWasAhead === true, ended: untilSignal() },
    terminal,
  );
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
