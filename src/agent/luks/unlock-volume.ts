/** May this disk be opened, and is it ours? Header, marker, key: in that order, and the key is asked for last. */
import { Fault, isFault } from "../../base/fault.ts";
import { type DiskHead, nextOf, readDisk, writeDisk } from "./disk.ts";
import { enterEpoch, forgetEarlier } from "./epoch.ts";
import { formatVolume } from "./format.ts";
import { type SlotKey, withMarkers } from "./marker.ts";
import { runMkfs } from "./mkfs.ts";
import { openVolume } from "./open.ts";
import { onlyBy, refuseOther, refuseUncounted, tokensOf, withOwnVolume } from "./own-volume.ts";
import {
  type OwnVolume,
  type UnlockPlan,
  type UnlockReport,
  type VolumeParts,
  withSecret,
} from "./volume.ts";

/**
 * Opens a volume whose marker says that it is ours.
 *
 * @throws {@link Fault} `disk/…`; the broker's no; `file/unusable`.
 */
export async function unlockVolume(plan: UnlockPlan, parts: VolumeParts): Promise<UnlockReport> {
  const found = await readDisk(plan.device, parts.primitives).catch((thrown: unknown) => {
    if (isFault(thrown) && OVER.has(thrown.code)) return thrown;
    throw thrown;
  });
  const isOurs = !isFault(found) && tokensOf(found).length > 0;
  if (isOurs) return withOwnVolume(found, plan, { parts, use: (own) => finish(own, plan, parts) });
  if (plan.formatOnGrant === true) return formatVolume(plan, parts, (own) => finish(own, plan, parts));
  if (isFault(found)) throw found;
  if (plan.adopt !== true) {
    throw new Fault("disk/no-marker", `expected a marker of this guest's broker on \`${plan.device}\``);
  }
  return adopt(found, plan, parts);
}

/** What a new volume may be made over, if there is a grant for it. */
const OVER = new Set<string>(["disk/not-luks", "disk/bad-header"]);

async function adopt(disk: DiskHead, plan: UnlockPlan, parts: VolumeParts): Promise<UnlockReport> {
  refuseOther(disk, plan);
  return withSecret(
    parts.secrets,
    { path: plan.secret, version: plan.version },
    async ({ secret, version, decision }) => {
      const [slot = ""] = Object.keys(disk.header.metadata.keyslots);
      const key = { slot, version, secret };
      await refuseWrongKey(disk, key, { plan, parts });
      const facts = { secret: plan.secret, epoch: 0, state: "ready" } as const;
      const { primitives } = parts;
      const after = withMarkers(nextOf(disk), facts, { keys: [key], primitives });
      const marked = await writeDisk(plan.device, { before: disk.raw, after }, primitives);
      return finish({ disk: marked, key, decision, how: "adopted" }, plan, parts);
    },
  );
}

async function refuseWrongKey(
  disk: DiskHead,
  key: SlotKey,
  { plan, parts }: { readonly plan: UnlockPlan; readonly parts: VolumeParts },
): Promise<void> {
  const target = { device: plan.device };
  if (await openVolume(disk, key, { target, parts })) return;
  throw new Fault("disk/wrong-key", `the released key does not open \`${plan.device}\``);
}

/** Counts, opens, and makes the file system of a new volume: again where that was cut short before. */
async function finish(own: OwnVolume, plan: UnlockPlan, parts: VolumeParts): Promise<UnlockReport> {
  refuseUncounted(own.disk, plan.isCounted === true);
  const counted = plan.isCounted === true ? await enterEpoch(own, plan, parts) : own;
  const { disk, key, decision, how } = counted;
  const { device, name } = plan;
  if (!(await openVolume(disk, key, { target: { device, name }, parts }))) {
    throw new Fault("disk/wrong-key", `the released key does not open \`${device}\``);
  }
  const hasFileSystemMade = await makeFileSystem(counted, plan, parts);
  if (plan.isCounted === true) await forgetEarlier(plan, parts).catch(() => undefined); // no reason to keep a disk shut
  const versions = tokensOf(disk).map(({ version }) => version);
  const [{ epoch } = { epoch: 0 }] = tokensOf(disk);
  const { uuid } = disk.header;
  return {
    device,
    uuid,
    secret: plan.secret,
    version: key.version,
    decision,
    how,
    epoch,
    hasFileSystemMade,
    versions,
  };
}

/** Only while the marker says that the volume is new: nobody but us can say so. */
async function makeFileSystem(
  { disk, key }: OwnVolume,
  plan: UnlockPlan,
  parts: VolumeParts,
): Promise<boolean> {
  const { device, name, mkfs } = plan;
  const [token] = tokensOf(disk);
  if (token?.state !== "new" || mkfs === undefined || name === undefined) return false;
  await runMkfs(mkfs, name);
  const after = onlyBy(disk, key, parts.primitives, { state: "ready" });
  await writeDisk(device, { before: disk.raw, after }, parts.primitives);
  return true;
}
