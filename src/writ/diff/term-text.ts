/** How is an obligation written? As its source would say it. */
import type { Term } from "../program.ts";
import { durationText } from "./value-text.ts";

export function termText(term: Term): string {
  switch (term.kind) {
    case "token_ttl":
    case "approvals_expire":
      return `${term.kind} ${durationText(term.ms)}`;
    case "reattest":
      return `reattest every ${durationText(term.ms)}`;
    case "max_releases": {
      const per = term.per === "approvals" ? term.per : term.per.name;
      const within = term.windowMs === undefined ? "" : ` within ${durationText(term.windowMs)}`;
      return `max_releases ${term.limit} per ${per}${within}`;
    }
    case "rate":
      return `rate ${term.limit} per ${durationText(term.windowMs)}`;
    case "wrap":
      return `wrap ${term.wrap}`;
    case "key_version":
      return `key_version ${typeof term.version === "string" ? term.version : `>= ${term.version.atLeast}`}`;
    case "notify":
      return `notify ${term.names.map((name) => JSON.stringify(name)).join(" ")}`;
    case "audit":
      return `audit ${term.level}`;
  }
}
