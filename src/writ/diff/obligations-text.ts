/** What does a decision promise in place of a promise that was? The obligations of the same kind, as a source would say them. */
import type { Obligations } from "../decision.ts";
import { durationText } from "./value-text.ts";

type Tell = (obligations: Obligations) => readonly string[];

function timed(word: string, ms: number | undefined): readonly string[] {
  return ms === undefined ? [] : [`${word} ${durationText(ms)}`];
}

/** By the first word of an obligation. */
const TELLERS: Readonly<Record<string, Tell>> = {
  token_ttl: ({ tokenTtlMs = 60_000 }) => timed("token_ttl", tokenTtlMs),
  reattest: ({ reattestMs }) => timed("reattest every", reattestMs),
  approvals_expire: ({ approvalsExpireMs = 900_000 }) => timed("approvals_expire", approvalsExpireMs),
  max_releases: ({ maxReleases }) =>
    maxReleases.map(({ limit, per, windowMs }) =>
      [`max_releases ${limit} per ${per}`, ...timed("within", windowMs)].join(" "),
    ),
  rate: ({ rates }) => rates.map(({ limit, windowMs }) => `rate ${limit} per ${durationText(windowMs)}`),
  wrap: ({ wrap }) => (wrap === undefined ? [] : [`wrap ${wrap}`]),
  key_version: ({ keyVersion }) => [
    `key_version ${typeof keyVersion === "string" ? keyVersion : `>= ${keyVersion.atLeast}`}`,
  ],
  notify: ({ notify }) =>
    notify.length === 0 ? [] : [`notify ${notify.map((name) => JSON.stringify(name)).join(" ")}`],
  audit: ({ audit }) => [`audit ${audit}`],
};

/** The kinds of promise that two decisions do not make alike. */
export function changedObligations(a: Obligations, b: Obligations): readonly string[] {
  return Object.keys(TELLERS).filter((kind) => obligationsText(a, kind) !== obligationsText(b, kind));
}

/** @param was - The promise that is not kept; nothing is told where none of its kind is left. */
export function obligationsText(obligations: Obligations, was: string): string {
  const [kind = ""] = was.split(" ");
  const told = TELLERS[kind]?.(obligations) ?? [];
  return told.length === 0 ? "none" : told.map((one) => `\`${one}\``).join(", ");
}
