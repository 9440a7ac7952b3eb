/** What does an `on release` block promise, once its numbers and fields are known? Obligations, checked. */

import type { FieldRef, Term } from "../program.ts";
import type { FieldName, KeyVersionItem, Literal, ObligationItem } from "../syntax/ast.ts";
import { durationOf, integerOf } from "./constants.ts";
import { type Desk, fieldOf, suggestion, tell } from "./desk.ts";
import { isPresent, type Present } from "./presence.ts";

const MAX_COUNT = 2 ** 31 - 1;
const MAX_VERSION = 2 ** 32 - 1;

/** What the obligation asks; `undefined` when something in it was reported. `present` is what the policy's requires guarantee. */
export function termOf(desk: Desk, item: ObligationItem, present: Present): Term | undefined {
  if (!desk.table.vocabulary.obligations.includes(item.kind)) {
    const message = `unknown obligation \`${item.name.text}\``;
    tell(desk, { code: "E0501", span: item.name.span, message, label: "a release has no such obligation" });
    return undefined;
  }
  switch (item.kind) {
    case "token_ttl":
      return timed(desk, item, (ms) => ({ kind: "token_ttl", ms }));
    case "reattest":
      return timed(desk, item, (ms) => ({ kind: "reattest", ms }));
    case "approvals_expire":
      return timed(desk, item, (ms) => ({ kind: "approvals_expire", ms }));
    case "max_releases":
      return maxReleasesOf(desk, item, present);
    case "rate":
      return rateOf(desk, item);
    case "wrap":
      return wrapOf(desk, item);
    case "key_version":
      return keyVersionOf(desk, item.version);
    case "notify":
      return { kind: "notify", names: item.names.map(({ value }) => value) };
    case "audit":
      return { kind: "audit", level: item.level };
  }
}

type OfKind<K extends ObligationItem["kind"]> = Extract<ObligationItem, { readonly kind: K }>;
type Timed = Extract<ObligationItem, { readonly duration: Literal }>;

function timed(desk: Desk, item: Timed, make: (ms: number) => Term): Term | undefined {
  const ms = durationOf(desk, `\`${item.name.text}\``, item.duration);
  return ms === undefined ? undefined : make(ms);
}

function countOf(desk: Desk, item: ObligationItem, written: Literal): number | undefined {
  return integerOf(desk, written, { what: `\`${item.name.text}\``, least: 1, most: MAX_COUNT });
}

function maxReleasesOf(desk: Desk, item: OfKind<"max_releases">, present: Present): Term | undefined {
  const limit = countOf(desk, item, item.limit);
  const per = countedBy(desk, item.per, present);
  const windowMs = item.within === undefined ? undefined : durationOf(desk, "`within`", item.within);
  if (limit === undefined || per === undefined) return undefined;
  if (item.within === undefined) return { kind: "max_releases", limit, per };
  return windowMs === undefined ? undefined : { kind: "max_releases", limit, per, windowMs };
}

/** What a counter is kept by: a field that is there whenever the policy grants, or the approvals that were used. */
function countedBy(desk: Desk, written: FieldName, present: Present): FieldRef | "approvals" | undefined {
  if (written.text === "approvals" && desk.table.vocabulary.hasApprovals) return "approvals";
  const known = fieldOf(desk, written);
  if (known === undefined) return undefined;
  if (known.absence !== undefined && !isPresent(present, known.ref.name)) {
    tell(desk, {
      code: "E0503",
      span: written.span,
      message: `\`${written.text}\` may be absent, so nothing could be counted by it`,
      label: known.absence.where,
      helps: [{ text: `add \`require has ${written.text}\` to the policy`, fixes: [] }],
    });
    return undefined;
  }
  return known.ref;
}

function rateOf(desk: Desk, item: OfKind<"rate">): Term | undefined {
  const limit = countOf(desk, item, item.limit);
  const windowMs = durationOf(desk, "the window of `rate`", item.per);
  return limit === undefined || windowMs === undefined ? undefined : { kind: "rate", limit, windowMs };
}

function wrapOf(desk: Desk, { wrap }: OfKind<"wrap">): Term | undefined {
  const { wraps } = desk.table.vocabulary;
  if (wraps.includes(wrap.text)) return { kind: "wrap", wrap: wrap.text };
  tell(desk, {
    code: "E0304",
    span: wrap.span,
    message: `\`${wrap.text}\` is not a value of \`wrap\``,
    label: `expected one of: ${wraps.join(", ")}`,
    helps: suggestion(desk, wrap, wraps),
  });
  return undefined;
}

function keyVersionOf(desk: Desk, version: KeyVersionItem): Term | undefined {
  if (typeof version === "string") return { kind: "key_version", version };
  const atLeast = integerOf(desk, version.atLeast, { what: "`key_version`", least: 1, most: MAX_VERSION });
  return atLeast === undefined ? undefined : { kind: "key_version", version: { atLeast } };
}
