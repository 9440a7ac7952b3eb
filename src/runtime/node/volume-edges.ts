/** What do the verbs for volumes get of the machine and of the broker? Each secret by a session of its own. */
import type { VolumeSecrets } from "../../agent/luks/volume.ts";
import { Fault } from "../../base/fault.ts";
import type { FetchSecrets } from "../../cli/agent-session.ts";
import type { ClevisEdges } from "../../cli/commands/agent-clevis.ts";
import type { ConfirmEdges } from "../../cli/commands/agent-confirm.ts";
import type { PutEdges } from "../../cli/commands/agent-put.ts";
import type { RekeyEdges, RekeyRequest } from "../../cli/commands/agent-rekey.ts";
import type { UnlockEdges } from "../../cli/commands/agent-unlock.ts";
import { systemRandom } from "./clock.ts";
import { nodePrimitives } from "./primitives.ts";

type BrokerEdges = Pick<PutEdges, "putSecret"> &
  Pick<ConfirmEdges, "confirmUse"> & { readonly fetchSecrets: FetchSecrets };
type VolumeEdges = Pick<UnlockEdges, "unlockVolume"> & Pick<RekeyEdges, "rekeyVolume">;

/** What opens disks is loaded by the verbs that do. */
export function volumeEdges(edges: BrokerEdges): VolumeEdges {
  return {
    unlockVolume: async ({ plan, ...request }) => {
      const { unlockVolume } = await import("../../agent/luks/unlock-volume.ts");
      return unlockVolume(plan, { primitives: nodePrimitives, secrets: secretsOver(edges, request) });
    },
    rekeyVolume: async ({ plan, ...request }) => {
      const { rekeyVolume } = await import("../../agent/luks/rekey.ts");
      return rekeyVolume(plan, { primitives: nodePrimitives, secrets: secretsOver(edges, request) });
    },
  };
}

/** Loaded as late. */
export const clevisEdges: ClevisEdges["clevis"] = {
  seal: async (plaintext, released) => {
    const { sealForClevis } = await import("../../agent/clevis.ts");
    return sealForClevis(plaintext, released, { primitives: nodePrimitives, random: systemRandom });
  },
  secretOf: async (jwe) => (await import("../../agent/clevis.ts")).clevisSecretOf(jwe),
  open: async (jwe, secret) =>
    (await import("../../agent/clevis.ts")).openForClevis(jwe, secret, nodePrimitives),
};

function secretsOver(
  { fetchSecrets, putSecret, confirmUse }: BrokerEdges,
  { onRelease, ...request }: Omit<RekeyRequest, "plan">,
): VolumeSecrets {
  return {
    read: async (path, version) => {
      const want = [{ secret: path, ...(version === undefined ? {} : { version }) }];
      const fetched = await fetchSecrets({ ...request, want });
      const [first] = fetched.secrets;
      if (first === undefined) throw new Fault("channel/bad-release", "expected one secret, received none");
      onRelease(fetched);
      return { path, version: first.version, secret: first.secret, decision: fetched.decision };
    },
    write: (path, secret, cas) => putSecret({ ...request, path, secret, cas }),
    confirm: (secret, version) => confirmUse({ ...request, confirmation: { secret, version } }),
  };
}
