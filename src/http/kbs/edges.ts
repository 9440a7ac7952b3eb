/** What does the drop-in KBS need of the platform, where it is switched on? */
import { Fault } from "../../base/fault.ts";
import type { TomlReader } from "../../broker/kbs/init-data.ts";
import type { KbsVersion } from "../../channel/kbs-binding.ts";

export interface KbsEdges {
  /** Which versions of the protocol are spoken, the one that is named first to others. */
  readonly versions: readonly KbsVersion[];
  /** Whether admins may come by `kbs-client`, whose tokens bind neither method nor body. */
  readonly takesAdmins: boolean;
  /** Reads init-data. */
  readonly readToml: TomlReader;
}

/** A path of the KBS is served where there are edges for it. */
export function kbsOf({ kbs }: { readonly kbs?: KbsEdges }): KbsEdges {
  if (kbs === undefined) throw new Fault("internal/invariant", "a path of the KBS is served without it");
  return kbs;
}
