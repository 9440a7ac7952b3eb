/** Where does a broker on Node get evidence of itself? From the kernel it runs on; in demo mode from a simulated machine. */
import { existsSync } from "node:fs";
import { TSM_FOLDER } from "../../agent/providers/tsm-entry.ts";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault } from "../../base/fault.ts";
import { openProvider } from "./providers.ts";
import type { LoadedConfig } from "./settings.ts";

/** The simulated machine of a folder; only a broker in demo mode is given one. */
export type SimulatorOf = (folder: string) => EvidenceProvider;

/**
 * The provider that configuration names; `undefined` for a broker outside a confidential VM, which proves nothing of itself.
 *
 * @throws {@link Fault} `provider/unavailable` where the configured one is not there: no broker serves guests at a lower tier
 *   than its operator asked for.
 */
export async function ownProviderOf(
  { config, at }: LoadedConfig,
  simulator: SimulatorOf | undefined,
): Promise<EvidenceProvider | undefined> {
  const { provider, tsmFolder, runFolder, simulatorFolder, vmpl } = config.attestation;
  const folder = tsmFolder === undefined ? TSM_FOLDER : at(tsmFolder);
  switch (provider) {
    case "none":
      return undefined;
    case "simulator":
      if (simulator === undefined || simulatorFolder === undefined) {
        throw new Fault("provider/unavailable", "this broker has no simulator");
      }
      return simulator(at(simulatorFolder));
    case "auto":
      if (!existsSync(folder)) return undefined;
      break;
    case "configfs-tsm":
      if (!existsSync(folder))
        throw new Fault("provider/unavailable", `expected configfs-tsm at \`${folder}\``);
  }
  return openProvider({
    name: "configfs-tsm",
    tsmFolder: folder,
    runFolder: runFolder === undefined ? undefined : at(runFolder),
    vmpl,
  });
}
