/** What does a broker release to a volume in a test? Versions that it holds, grants as often as it says, and what guests write. */
import type { VolumeSecrets } from "../../../src/agent/luks/volume.ts";
import { Fault } from "../../../src/base/fault.ts";

export interface HeldSecrets extends VolumeSecrets {
  /** By path: the versions, the first one first; `undefined` for one that is released no more. */
  readonly held: Record<string, (Uint8Array | undefined)[]>;
  /** Every release that was asked for. */
  readonly asked: string[];
  /** Every plaintext that was given out, as its user left it. */
  readonly given: Uint8Array[];
  /** Which version of each path its guests confirmed. */
  readonly confirmed: Record<string, number>;
}

const DECISION = "01KB0000000000000000000001";

/**
 * @param once - Paths that are released one time only, as by a policy with `max_releases 1`.
 * @param keep - Told after each change, before its answer.
 */
export function heldSecrets(
  held: Record<string, (Uint8Array | undefined)[]>,
  once: readonly string[] = [],
  keep: () => void = () => undefined,
): HeldSecrets {
  const [asked, given]: [string[], Uint8Array[]] = [[], []];
  const confirmed: Record<string, number> = {};
  return {
    held,
    asked,
    given,
    confirmed,
    read: async (path, version) => {
      asked.push(version === undefined ? path : `${path} ${version}`);
      const versions = held[path];
      const number = version ?? versions?.length ?? 0;
      const secret = versions?.[number - 1]?.slice();
      if (versions === undefined) throw new Fault("secret/absent", "The policy allows what is not there");
      if (secret === undefined) throw new Fault("policy/denied", "The policy denies this release");
      if (once.includes(path)) held[path] = (versions ?? []).map(() => undefined);
      keep();
      given.push(secret);
      return { path, version: number, secret, decision: DECISION };
    },
    write: async (path, secret, cas) => {
      const versions = held[path] ?? [];
      if (versions.length !== cas) throw new Fault("secret/other-version", "The newest version is another");
      held[path] = [...versions, secret.slice()];
      keep();
    },
    confirm: async (path, version) => {
      confirmed[path] = version;
      keep();
    },
  };
}
