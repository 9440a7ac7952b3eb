/** How is told what an exchange offered when it was judged, and read again? Beside the facts in a trace. */
import type { JsonObject, JsonValue } from "../base/canonical-json.ts";
import { hasShape, integer, optional } from "../base/shape.ts";
import type { Terms } from "./obligations.ts";

const COUNT = integer(0, Number.MAX_SAFE_INTEGER);
const SHAPE = {
  suite: integer(0, 3),
  version: optional(COUNT),
  current: optional(COUNT),
  heldMs: optional(COUNT),
};

/** `version` is the one that was asked for, `current` the one that was current then. */
export function termsJson({ suite, keyVersion, heldMs }: Terms): JsonObject {
  return {
    suite,
    ...(keyVersion === undefined ? {} : { version: keyVersion.wanted }),
    ...(keyVersion?.current === undefined ? {} : { current: keyVersion.current }),
    ...(heldMs === undefined ? {} : { heldMs }),
  };
}

/** `undefined` for anything that {@link termsJson} does not write. */
export function termsOfTold(told: JsonValue | undefined): Terms | undefined {
  if (!isTold(told)) return undefined;
  const { suite, version, current, heldMs } = told;
  if (version === undefined && current !== undefined) return undefined;
  return {
    suite,
    keyVersion: version === undefined ? undefined : { wanted: version, current },
    ...(heldMs === undefined ? {} : { heldMs }),
  };
}

interface Told {
  readonly suite: Terms["suite"];
  readonly version?: number;
  readonly current?: number;
  readonly heldMs?: number;
}

function isTold(value: JsonValue | undefined): value is Told & JsonObject {
  return hasShape(value, SHAPE);
}
