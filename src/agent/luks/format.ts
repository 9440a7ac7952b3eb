/** How does a new disk become a volume of ours? On a grant that the broker releases once, and in one step that is whole or not at all. */
import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { givenFile, PBKDF, runCryptsetup } from "./cryptsetup.ts";
import { bytesAt, nextOf, readDisk, withDevice, withNameless, writeDisk } from "./disk.ts";
import { type FormatGrant, grantPathOf, parseGrant } from "./grant.ts";
import { refuseShort, type SlotKey, withMarkers } from "./marker.ts";
import { type OwnVolume, type UnlockPlan, type VolumeParts, withSecret } from "./volume.ts";

/** Header and key slots: where data begins, as cryptsetup chooses by itself. */
const DATA_AT = 16 << 20;
const SECTOR = 512;
/** Partition tables, RAID and pools keep a copy of themselves there. */
const TAIL = 1 << 20;
const CIPHER = ["--cipher", "aes-xts-plain64", "--key-size", "512", "--hash", "sha256"];

/**
 * Makes a volume where the grant lets it, and gives it to `use`.
 *
 * Whether a disk looks blank is the host's to say, so that nothing is ever made for that alone. What can be refused without the
 * grant is refused before it is asked for, since it is spent then. All of the volume's header is made in memory and written
 * with its marker, so that a guest that is killed leaves a disk as it was, or one that is ours.
 *
 * @throws {@link Fault} `disk/in-use`, `disk/not-blank`, `disk/short-key`, `disk/bad-grant`; the broker's no; `file/unusable`.
 */
export async function formatVolume<T>(
  plan: UnlockPlan,
  parts: VolumeParts,
  use: (own: OwnVolume) => Promise<T>,
): Promise<T> {
  const isBlank = await isBlankDisk(plan.device);
  if (!isBlank && plan.overwrite !== true) throw notBlank(plan.device, "`--overwrite` was not said");
  return withSecret(
    parts.secrets,
    { path: plan.secret, version: plan.version },
    async ({ secret, version, decision }) => {
      refuseShort(secret);
      const grant = await askGrant(plan.secret, parts);
      if (!isBlank && grant.over !== "anything") throw notBlank(plan.device, "the grant is for a blank one");
      const key = { slot: "0", version, secret };
      const disk = await make(plan, { grant, key, parts });
      return use({ disk, key, decision, how: "formatted" });
    },
  );
}

function notBlank(device: string, why: string): Fault {
  return new Fault("disk/not-blank", `expected zeros at the beginning and the end of \`${device}\`: ${why}`);
}

function askGrant(secret: string, { secrets }: VolumeParts): Promise<FormatGrant> {
  return withSecret(secrets, { path: grantPathOf(secret) }, async (grant) =>
    parseGrant(grant.secret, secret),
  );
}

/** Zeros where the header goes and at the end; the kernel's word that nobody else has the disk (O_EXCL, open(2)). */
function isBlankDisk(device: string): Promise<boolean> {
  return withDevice(device, constants.O_RDWR | constants.O_EXCL, async (file) => {
    const size = await sizeOf(file);
    if (size < DATA_AT + TAIL)
      throw new Fault("file/unusable", `expected \`${device}\` to have 17 MiB or more`);
    for (const at of [...pieces(DATA_AT), size - TAIL]) {
      if (!isZero(await bytesAt(file, at, TAIL))) return false; // in order: the first that is not
    }
    return true;
  });
}

function pieces(end: number): readonly number[] {
  return Array.from({ length: end / TAIL }, (_, at) => at * TAIL);
}

/** A block device has no size of a file: the end is looked for, by halves. */
async function sizeOf(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  if (size > 0) return size;
  let [low, high] = [0, 2 ** 52];
  while (high - low > SECTOR) {
    const middle = Math.floor((low + high) / 2 / SECTOR) * SECTOR;
    const { bytesRead } = await file.read(new Uint8Array(SECTOR), 0, SECTOR, middle); // in order: a search
    if (bytesRead > 0) low = middle;
    else high = middle;
  }
  return high;
}

interface Making {
  readonly grant: FormatGrant;
  readonly key: SlotKey;
  readonly parts: VolumeParts;
}

async function make(plan: UnlockPlan, { grant, key, parts }: Making) {
  const { primitives } = parts;
  const made = await withNameless(async (copy) => {
    await copy.truncate(DATA_AT);
    const named = grant.uuid === undefined ? [] : ["--uuid", grant.uuid];
    const place = [
      "--header",
      givenFile(0),
      "--offset",
      String(DATA_AT / SECTOR),
      "--key-file",
      "-",
      "--",
      plan.device,
    ];
    const words = ["luksFormat", "--type", "luks2", "--batch-mode", ...CIPHER, ...PBKDF, ...named, ...place];
    const ended = await runCryptsetup(words, { key: key.secret, files: [copy.fd] }, parts.cryptsetup ?? {});
    if (ended.status !== 0)
      throw new Fault("file/unusable", "cryptsetup could not make a header", { said: ended.said });
    return readDisk(`/proc/self/fd/${copy.fd}`, primitives);
  });
  const facts = { secret: plan.secret, epoch: 0, state: plan.mkfs === undefined ? "ready" : "new" } as const;
  const after = withMarkers(nextOf(made), facts, { keys: [key], primitives });
  const before = await withDevice(plan.device, constants.O_RDONLY, (file) =>
    bytesAt(file, 0, made.raw.length),
  );
  return writeDisk(plan.device, { before, after }, primitives);
}
