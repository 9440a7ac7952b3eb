/** What is asked of a volume, by whom, and what comes of it? */
import type { Primitives } from "../../base/primitives.ts";
import type { DiskHead } from "./disk.ts";
import type { SlotKey } from "./marker.ts";
import type { OpenParts, OpenTarget } from "./open.ts";

/** As it was released: plaintext, which its user overwrites. */
export interface ReleasedSecret {
  readonly path: string;
  readonly version: number;
  readonly secret: Uint8Array;
  readonly decision: string;
}

export interface VolumeSecrets {
  /** The newest version unless one is said. @throws {@link Fault} the broker's no, or that it cannot be asked. */
  readonly read: (path: string, version?: number) => Promise<ReleasedSecret>;
  /** The next version, if `cas` is the newest one now; 0 where there is none. @throws {@link Fault} `secret/other-version`. */
  readonly write: (path: string, secret: Uint8Array, cas: number) => Promise<unknown>;
  /** This version is in use here, and no earlier one is needed. */
  readonly confirm: (path: string, version: number) => Promise<unknown>;
}

export interface VolumeParts extends OpenParts {
  readonly primitives: Pick<Primitives, "digest" | "hmac">;
  readonly secrets: VolumeSecrets;
}

export interface UnlockPlan extends OpenTarget {
  /** The path of the secret that opens it. */
  readonly secret: string;
  /** For a volume without a marker: that version and not the newest. A marker names its own. */
  readonly version?: number | undefined;
  /** Trust a volume without a marker this once, and mark it. */
  readonly adopt?: boolean | undefined;
  /** Make a volume where there is none of ours, if the broker releases `SECRET/format`. */
  readonly formatOnGrant?: boolean | undefined;
  /** Make it also where something else is, if the grant says so too. */
  readonly overwrite?: boolean | undefined;
  /** The file system to make in a new volume. */
  readonly mkfs?: string | undefined;
  /** Count at `SECRET/epoch` how often it was opened, and refuse an image of before. */
  readonly isCounted?: boolean | undefined;
  /** An older epoch that is opened this once: of an image that its owner put back. */
  readonly acceptEpoch?: number | undefined;
  /** Whether sectors have to carry an HMAC; a volume that is otherwise is refused. */
  readonly integrity?: boolean | undefined;
}

/** What was done, for people and programs. Nothing in it is secret. */
export interface UnlockReport {
  readonly device: string;
  readonly uuid: string;
  readonly secret: string;
  readonly version: number;
  readonly decision: string;
  readonly how: "marked" | "adopted" | "formatted";
  readonly hasFileSystemMade: boolean;
  /** How often it was opened, this time included; 0 where nobody counts. */
  readonly epoch: number;
  /** Versions whose key slots the disk has, this one among them: two while a rotation is not finished. */
  readonly versions: readonly number[];
}

/** A volume that is ours, and the key that showed it. */
export interface OwnVolume {
  readonly disk: DiskHead;
  readonly key: SlotKey;
  readonly decision: string;
  readonly how: UnlockReport["how"];
}

/** Plaintext lives as long as `use` and no longer. */
export async function withSecret<T>(
  secrets: Pick<VolumeSecrets, "read">,
  { path, version }: { readonly path: string; readonly version?: number | undefined },
  use: (released: ReleasedSecret) => Promise<T>,
): Promise<T> {
  const released = await secrets.read(path, version);
  try {
    return await use(released);
  } finally {
    released.secret.fill(0);
  }
}
