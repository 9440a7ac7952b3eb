/** Is this volume ours, and which of its keys shows it? */
import { Fault, isFault } from "../../base/fault.ts";
import { type DiskHead, nextOf } from "./disk.ts";
import { type MarkerFacts, type SlotKey, type VolumeHead, verifyMarker, withMarkers } from "./marker.ts";
import type { MarkerToken } from "./metadata.ts";
import {
  type OwnVolume,
  type UnlockPlan,
  type VolumeParts,
  type VolumeSecrets,
  withSecret,
} from "./volume.ts";

/** The newest version first. */
export function tokensOf({ header }: Pick<VolumeHead, "header">): readonly MarkerToken[] {
  return Object.values(header.metadata.tokens).toSorted((a, b) => b.version - a.version);
}

/**
 * Proves that a volume is ours by the newest of its markers whose version the broker still releases.
 *
 * @throws {@link Fault} `disk/foreign`, `disk/forged`, `disk/bad-header`; the broker's no.
 */
export async function withOwnVolume<T>(
  disk: DiskHead,
  plan: Pick<UnlockPlan, "secret" | "integrity">,
  {
    parts,
    use,
  }: {
    readonly parts: Pick<VolumeParts, "primitives"> & { readonly secrets: Pick<VolumeSecrets, "read"> };
    readonly use: (own: OwnVolume) => Promise<T>;
  },
): Promise<T> {
  refuseOther(disk, plan);
  const [newest, older] = tokensOf(disk);
  if (newest === undefined) throw new Fault("internal/invariant", "a volume without a marker is not ours");
  const proven = (token: MarkerToken): Promise<T> => {
    const { secret: path, version } = token;
    return withSecret(parts.secrets, { path, version }, ({ secret, decision }) => {
      verifyMarker(disk, token, { secret, primitives: parts.primitives });
      const key = { slot: token.keyslots[0], version, secret };
      return use({ disk, key, decision, how: "marked" });
    });
  };
  if (older === undefined) return proven(newest);
  const isReleased = await isReleasable(parts.secrets, newest);
  return proven(isReleased ? newest : older);
}

/** Whether the broker still gives this version; it may have been taken back while the disk was between two. */
async function isReleasable(
  secrets: Pick<VolumeSecrets, "read">,
  { secret: path, version }: MarkerToken,
): Promise<boolean> {
  try {
    return await withSecret(secrets, { path, version }, async () => true);
  } catch (thrown) {
    if (isFault(thrown) && thrown.code !== "broker/unreachable") return false;
    throw thrown;
  }
}

/** @throws {@link Fault} `disk/foreign`, `disk/bad-header`. */
export function refuseOther(
  { header }: Pick<VolumeHead, "header">,
  { secret, integrity = false }: Pick<UnlockPlan, "secret" | "integrity">,
): void {
  const foreign = tokensOf({ header }).find((token) => token.secret !== secret);
  if (foreign !== undefined) {
    throw new Fault(
      "disk/foreign",
      `expected a volume of \`${secret}\`, received one of \`${foreign.secret}\``,
    );
  }
  if ((header.metadata.segments[0].integrity !== undefined) !== integrity) {
    const expected = integrity
      ? "sectors with an HMAC"
      : "sectors without an HMAC, or `--integrity hmac-sha256`";
    throw new Fault("disk/bad-header", `expected ${expected}`, { member: "segments.0.integrity" });
  }
}

/** A volume that was counted once is never opened without counting. @throws {@link Fault} `disk/counted`. */
export function refuseUncounted(disk: Pick<VolumeHead, "header">, isCounted: boolean): void {
  const [{ epoch } = { epoch: 0 }] = tokensOf(disk);
  if (isCounted || epoch === 0) return;
  throw new Fault(
    "disk/counted",
    `expected \`--epoch\`: this volume is in its epoch ${epoch}, which nobody would prove`,
  );
}

/** The volume's next state: one key slot and one marker, of this key, whatever it has now. */
export function onlyBy(
  disk: DiskHead,
  key: SlotKey,
  primitives: VolumeParts["primitives"],
  changed: Partial<Pick<MarkerFacts, "epoch" | "state">> = {},
): VolumeHead {
  const { metadata } = disk.header;
  const [slot, area] = [metadata.keyslots[key.slot], disk.areas[key.slot]];
  const [token] = tokensOf(disk);
  if (slot === undefined || area === undefined || token === undefined) {
    throw new Fault("internal/invariant", "a key of a slot that the volume has not");
  }
  const digests = { "0": { ...metadata.digests[0], keyslots: [key.slot] } };
  const header = {
    ...nextOf(disk).header,
    metadata: { ...metadata, keyslots: { [key.slot]: slot }, digests },
  };
  const { secret, epoch, state } = token;
  return withMarkers(
    { header, areas: { [key.slot]: area } },
    { secret, epoch, state, ...changed },
    { keys: [key], primitives },
  );
}
