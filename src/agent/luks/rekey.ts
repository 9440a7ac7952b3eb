/** How does a volume get the next version of its secret? A key slot more, the broker told, a key slot less: openable at every moment. */
import { equalBytes } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { BINARY_HEADER_BYTES } from "./binary-header.ts";
import { givenFile, PBKDF, runCryptsetup } from "./cryptsetup.ts";
import {
  bytesAt,
  type DiskHead,
  nextOf,
  readDisk,
  wipeArea,
  withHeaderCopy,
  withNameless,
  writeDisk,
} from "./disk.ts";
import { refuseShort, type SlotKey, type VolumeHead, withMarkers } from "./marker.ts";
import { checkedMetadata, isKeyslot, type Keyslot, placeOf } from "./metadata.ts";
import { openVolume } from "./open.ts";
import { onlyBy, tokensOf, withOwnVolume } from "./own-volume.ts";
import {
  type OwnVolume,
  type ReleasedSecret,
  type UnlockPlan,
  type VolumeParts,
  withSecret,
} from "./volume.ts";

export type RekeyPlan = Pick<UnlockPlan, "device" | "secret" | "integrity">;

export interface RekeyReport {
  readonly device: string;
  readonly uuid: string;
  readonly secret: string;
  /** The version that opens it now. */
  readonly version: number;
  /** Versions that opened it before, and do no more. */
  readonly retired: readonly number[];
}

/**
 * Brings a volume to the newest version of its secret that the broker releases.
 *
 * Between the two key slots the volume opens by either. Whoever is killed on the way begins again: what is there already is
 * found, confirmed to the broker and finished before anything new is begun.
 *
 * @throws {@link Fault} `disk/…`; the broker's no; `file/unusable`.
 */
export async function rekeyVolume(plan: RekeyPlan, parts: VolumeParts): Promise<RekeyReport> {
  const found = await readDisk(plan.device, parts.primitives);
  const before = tokensOf(found).map(({ version }) => version);
  if (before.length === 0) throw new Fault("disk/no-marker", `expected a marker on \`${plan.device}\``);
  const settled = await settle(found, plan, parts);
  const done = await withSecret(parts.secrets, { path: plan.secret }, async (newest) => {
    const [token] = tokensOf(settled);
    if (token === undefined || newest.version <= token.version) return settled;
    const both = await withOwnVolume(settled, plan, {
      parts,
      use: (own) => add(own, newest, { plan, parts }),
    });
    return settle(both, plan, parts);
  });
  const [version = 0] = tokensOf(done).map((token) => token.version);
  const { uuid } = done.header;
  const retired = [...before, ...tokensOf(settled).map((token) => token.version)].filter(
    (one) => one !== version,
  );
  return {
    device: plan.device,
    uuid,
    secret: plan.secret,
    version,
    retired: [...new Set(retired)].sort((a, b) => a - b),
  };
}

/** Tells the broker which version is in use, and leaves the key slot of that one alone. */
function settle(disk: DiskHead, plan: RekeyPlan, parts: VolumeParts): Promise<DiskHead> {
  return withOwnVolume(disk, plan, {
    parts,
    use: async (own) => {
      await refuseWrongKey(own.disk, own.key, { plan, parts });
      await parts.secrets.confirm(plan.secret, own.key.version);
      return tokensOf(disk).length === 1 ? disk : retire(own, plan, parts);
    },
  });
}

async function retire({ disk, key }: OwnVolume, plan: RekeyPlan, parts: VolumeParts): Promise<DiskHead> {
  const { primitives } = parts;
  const after = onlyBy(disk, key, primitives);
  const written = await writeDisk(plan.device, { before: disk.raw, after }, primitives);
  for (const [name, slot] of Object.entries(disk.header.metadata.keyslots)) {
    if (name !== key.slot) await wipeArea(plan.device, placeOf(slot)); // in order: one disk
  }
  return written;
}

interface Way {
  readonly plan: RekeyPlan;
  readonly parts: VolumeParts;
}

/** Writes a volume with one key slot more, after that one has opened it. */
async function add(
  { disk, key }: OwnVolume,
  newest: ReleasedSecret,
  { plan, parts }: Way,
): Promise<DiskHead> {
  refuseShort(newest.secret);
  if (equalBytes(newest.secret, key.secret)) {
    throw new Fault(
      "disk/wrong-key",
      "expected another secret: the newest version is the same as the one before",
    );
  }
  const { primitives } = parts;
  const { slot, keyslot, area } = await slotFor(disk, { key, secret: newest.secret }, { plan, parts });
  const [token] = tokensOf(disk);
  const { metadata } = disk.header;
  const keyslots = { ...metadata.keyslots, [slot]: keyslot };
  const digests = { "0": { ...metadata.digests[0], keyslots: [...metadata.digests[0].keyslots, slot] } };
  const header = { ...nextOf(disk).header, metadata: { ...metadata, keyslots, digests } };
  const facts = { secret: plan.secret, epoch: token?.epoch ?? 0, state: token?.state ?? "ready" } as const;
  const added: SlotKey = { slot, version: newest.version, secret: newest.secret };
  const head: VolumeHead = { header, areas: { ...disk.areas, [slot]: area } };
  const after = withMarkers(head, facts, { keys: [key, added], primitives });
  checkedMetadata(after.header.metadata, header.size);
  await refuseWrongKey(after, added, { plan, parts });
  return writeDisk(plan.device, { before: disk.raw, after }, primitives);
}

async function refuseWrongKey(head: VolumeHead, key: SlotKey, { plan, parts }: Way): Promise<void> {
  const target = { device: plan.device };
  if (await openVolume(head, key, { target, parts })) return;
  throw new Fault("disk/wrong-key", `version ${key.version} of the secret does not open \`${plan.device}\``);
}

interface NewSlot {
  readonly slot: string;
  readonly keyslot: Keyslot;
  readonly area: Uint8Array;
}

/** Has cryptsetup make a key slot in a copy of the header; the disk sees nothing of it. */
function slotFor(
  disk: DiskHead,
  { key, secret }: { readonly key: SlotKey; readonly secret: Uint8Array },
  { plan, parts }: Way,
): Promise<NewSlot> {
  return withHeaderCopy(disk, parts.primitives, (copy) =>
    withNameless(async (file) => {
      const words = ["luksAddKey", "--batch-mode", ...PBKDF, "--disable-external-tokens", "--key-file", "-"];
      try {
        await file.write(secret);
        const given = ["--new-keyfile", givenFile(1), "--", givenFile(0)];
        const input = { key: key.secret, files: [copy.fd, file.fd] };
        const { status, said } = await runCryptsetup([...words, ...given], input, parts.cryptsetup ?? {});
        if (status !== 0)
          throw new Fault("file/unusable", `cryptsetup made no key slot for \`${plan.device}\``, { said });
      } finally {
        await file.write(new Uint8Array(secret.length), 0, secret.length, 0);
      }
      const json = await bytesAt(copy, BINARY_HEADER_BYTES, disk.header.size - BINARY_HEADER_BYTES);
      const { slot, keyslot } = addedTo(disk.header.metadata.keyslots, json);
      const { at, length } = placeOf(keyslot);
      return { slot, keyslot, area: await bytesAt(copy, at, length) };
    }),
  );
}

function addedTo(known: Readonly<Record<string, Keyslot>>, area: Uint8Array): Omit<NewSlot, "area"> {
  const limits = { maxBytes: area.length, maxDepth: 8, code: "disk/bad-header" } as const;
  const value = parseStrictJson(area.slice(0, area.indexOf(0)), limits);
  const keyslots: JsonValue | undefined = isJsonObject(value) ? value["keyslots"] : undefined;
  const added = isJsonObject(keyslots)
    ? Object.entries(keyslots).filter(([name]) => known[name] === undefined)
    : [];
  const [first] = added;
  if (first === undefined || added.length !== 1 || !isKeyslot(first[1])) {
    throw new Fault("disk/bad-header", "expected cryptsetup to make one key slot of the kind that is opened");
  }
  return { slot: first[0], keyslot: first[1] };
}
