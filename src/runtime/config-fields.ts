/** What may stand in a configuration? The fields that those of the broker and of the agent share. */
import * as v from "valibot";

const NORMAL_URL = "a URL with lower-case scheme and host, no default port, no trailing slash, no query";

export const path = v.pipe(v.string(), v.regex(/^\P{Cc}{1,4096}$/u, "a path"));
export const label = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]{0,128}$/, "letters, digits, `.`, `_`, `:` and `-`"),
);
export const url = v.pipe(v.string(), v.check(isNormalUrl, NORMAL_URL));

export function whole(least: number, most: number) {
  return v.pipe(
    v.number(),
    v.check((n) => Number.isInteger(n) && n >= least && n <= most, `a whole number from ${least} to ${most}`),
  );
}

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** A time as a whole number with its unit, in seconds. */
export function duration(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^[1-9]\d{0,6}[smhd]$/, "a time as 90s, 15m, 12h or 7d"),
    v.transform((text) => Number(text.slice(0, -1)) * (UNIT_SECONDS.get(text.slice(-1)) ?? 0)),
    v.check((seconds) => seconds >= least && seconds <= most, `a time from ${least}s to ${most}s`),
  );
}

/** A table with these members; each other one is a problem of its own. */
export function table<T extends v.ObjectEntries>(entries: T) {
  return v.objectWithRest(entries, v.never("no such member"));
}

export function isEachOnce(list: readonly string[]): boolean {
  return new Set(list).size === list.length;
}

/** PROTOCOL section 1: lower-case scheme and host, no default port, no trailing slash, nothing after the path. */
function isNormalUrl(text: string): boolean {
  if (text.length > 512 || !URL.canParse(text)) return false;
  const parsed = new URL(text);
  const normal = parsed.origin + (parsed.pathname === "/" ? "" : parsed.pathname);
  return /^https?:$/.test(parsed.protocol) && normal === text && !text.endsWith("/");
}

/** A member that there is not, and why. */
export function absent(message: string) {
  return v.optional(v.never(message));
}
