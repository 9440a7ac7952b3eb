/** Is this the newest state of the disk, or an image that somebody kept? The broker counts how often it was opened. */
import { equalBytes, utf8 } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import { writeDisk } from "./disk.ts";
import { onlyBy, tokensOf } from "./own-volume.ts";
import {
  type OwnVolume,
  type UnlockPlan,
  type VolumeParts,
  type VolumeSecrets,
  withSecret,
} from "./volume.ts";

function epochPathOf(secret: string): string {
  return `${secret}/epoch`;
}

/**
 * Brings a volume into its next epoch, before anything is read from it or written to it.
 *
 * The epoch is the number of the newest version at `SECRET/epoch`, which this guest writes by check and set. First the disk gets
 * the next number, then the broker; a volume is opened only after both. So the disk is at the broker's number, or one ahead
 * where a guest ended between the two, and had not been opened then. Anything older was put back.
 *
 * @throws {@link Fault} `disk/rolled-back`, `disk/epoch-taken`, `disk/foreign`, `disk/changed`; the broker's no.
 */
export async function enterEpoch(own: OwnVolume, plan: UnlockPlan, parts: VolumeParts): Promise<OwnVolume> {
  const { disk, key } = own;
  const path = epochPathOf(plan.secret);
  const [{ epoch } = { epoch: 0 }] = tokensOf(disk);
  const counted = await countedAt(path, { uuid: disk.header.uuid, epoch }, parts.secrets);
  refuseOld(epoch, counted, plan.acceptEpoch);
  const next = counted + 1;
  const after = onlyBy(disk, key, parts.primitives, { epoch: next });
  const written =
    epoch === next && tokensOf(disk).length === 1
      ? disk
      : await writeDisk(plan.device, { before: disk.raw, after }, parts.primitives);
  await count(path, { uuid: disk.header.uuid, counted }, parts.secrets);
  return { ...own, disk: written };
}

/**
 * 0 where the broker says that its policy allows the count and nobody made it. Only a disk that nobody counted either is taken at
 * that word: where the broker did count, the write that expects no version is refused.
 */
async function countedAt(
  path: string,
  { uuid, epoch }: { readonly uuid: string; readonly epoch: number },
  secrets: VolumeSecrets,
): Promise<number> {
  try {
    return await withSecret(secrets, { path }, async ({ version, secret }) => {
      if (equalBytes(secret, utf8(uuid))) return version;
      throw new Fault(
        "disk/foreign",
        `expected the volume that \`${path}\` counts; this one has another UUID`,
      );
    });
  } catch (thrown) {
    if (isFault(thrown, "secret/absent") && epoch <= 1) return 0;
    throw thrown;
  }
}

function refuseOld(epoch: number, counted: number, accepted: number | undefined): void {
  if (epoch === counted || epoch === counted + 1 || (epoch < counted && epoch === accepted)) return;
  throw new Fault("disk/rolled-back", `expected a disk of epoch ${counted}, received one of epoch ${epoch}`, {
    expected: counted,
    received: epoch,
  });
}

async function count(
  path: string,
  { uuid, counted }: { readonly uuid: string; readonly counted: number },
  secrets: VolumeSecrets,
): Promise<void> {
  try {
    await secrets.write(path, utf8(uuid), counted);
  } catch (thrown) {
    if (!isFault(thrown, "secret/other-version")) throw thrown;
    const message = `another guest counted at \`${path}\` meanwhile, or the answer to this one was lost: try again`;
    throw new Fault("disk/epoch-taken", message, {}, thrown);
  }
}

/**
 * Lets the broker forget the numbers before: it keeps a version until its readers say that they have a later one.
 *
 * @throws {@link Fault} the broker's no.
 */
export async function forgetEarlier(plan: UnlockPlan, { secrets }: VolumeParts): Promise<void> {
  const path = epochPathOf(plan.secret);
  const version = await withSecret(secrets, { path }, async (newest) => newest.version);
  await secrets.confirm(path, version);
}
