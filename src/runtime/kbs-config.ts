/** Is the drop-in KBS there, and what does it speak? `[kbs]` of a configuration: without that table nothing of it is served. */
import * as v from "valibot";
import type { JsonValue } from "../base/canonical-json.ts";
import type { KbsVersion } from "../channel/kbs-binding.ts";
import type { KbsEdges } from "../http/kbs/edges.ts";
import { KBS_VERSIONS } from "../wire/kbs/auth.ts";
import { isEachOnce, table } from "./config-fields.ts";
import { tomlTree } from "./toml.ts";

/** 0.4.0 is always spoken; older guests are asked for. */
const versions = v.pipe(
  v.array(v.picklist(KBS_VERSIONS)),
  v.check(
    (list) => list.includes("0.4.0") && isEachOnce(list),
    "0.4.0, and 0.2.0 where older guests are served",
  ),
);

export const KBS = table({
  versions: v.optional(versions, ["0.4.0"]),
  admin: v.optional(v.boolean(), false),
});

export interface KbsConfig {
  readonly versions: readonly KbsVersion[];
  readonly takesAdmins: boolean;
}

export function kbsConfigOf(read: v.InferOutput<typeof KBS>): KbsConfig {
  return { versions: KBS_VERSIONS.filter((one) => read.versions.includes(one)), takesAdmins: read.admin };
}

/** What the HTTP room is given. */
export function kbsEdgesOf(config: KbsConfig): KbsEdges {
  return { ...config, readToml: (text): JsonValue | undefined => tomlTree(text) };
}
