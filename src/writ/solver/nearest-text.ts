/** How is a nearest change told? One line, and what stands apart from it below (WRIT section 10). */
import type { JsonObject } from "../../base/canonical-json.ts";
import { timeText, valueText } from "../diff/value-text.ts";
import type { FactValue } from "../facts.ts";
import type { Refset } from "../program.ts";
import type { Dimension, Value } from "./dimension.ts";
import type { NearestChange, ProposedChange } from "./nearest-change.ts";
import { writeValue } from "./write-value.ts";

/** @param refsets - Where digests have their names. */
export function nearestText(
  { changes, later, approvals }: NearestChange,
  refsets: readonly Refset[],
): string {
  const told = changes?.map((one) => changeText(one, refsets)).join(", ");
  const lines = [
    `nearest change: ${told === undefined ? "none" : `${told} would release the key`}`,
    ...(later === undefined ? [] : [`later: the same request is released from ${timeText(later)}`]),
    ...(approvals === undefined
      ? []
      : [
          `with people: ${approvals.map((one) => changeText(one, refsets)).join(", ")} would release the key`,
        ]),
  ];
  return `${lines.join("\n")}\n`;
}

export function nearestJson(
  { changes, later, approvals }: NearestChange,
  refsets: readonly Refset[],
): JsonObject {
  const list = (of: readonly ProposedChange[] | undefined) =>
    of?.map((one) => changeJson(one, refsets)) ?? null;
  return {
    changes: list(changes),
    later: later === undefined ? null : timeText(later),
    approvals: list(approvals),
  };
}

function changeJson(change: ProposedChange, refsets: readonly Refset[]): JsonObject {
  const { dimension, how } = change;
  return { field: nameOf(dimension), ...fromTo(change, refsets), how: how ?? null };
}

function changeText(change: ProposedChange, refsets: readonly Refset[]): string {
  const { from, to } = fromTo(change, refsets);
  const how = change.how === undefined ? "" : ` (${change.how})`;
  return `${nameOf(change.dimension)} ${from} -> ${to}${how}`;
}

function fromTo({ dimension, from, to, isOther }: ProposedChange, refsets: readonly Refset[]) {
  return {
    from: textOf(dimension, from, refsets),
    to: isOther ? "(any other value)" : textOf(dimension, to, refsets),
  };
}

/** As a policy would name it. */
function nameOf({ name, source: { key, bit, member, fallback } }: Dimension): string {
  if (bit !== undefined) return `${key} bit ${bit}`;
  if (member !== undefined) return `${key} ${JSON.stringify(member)}`;
  return fallback === undefined ? name : `approvals from ${JSON.stringify(key.slice(key.indexOf(":") + 1))}`;
}

function textOf({ source }: Dimension, value: Value | undefined, refsets: readonly Refset[]): string {
  if (value === undefined) return "absent";
  if (source.component !== undefined || source.bit !== undefined || source.member !== undefined)
    return String(value);
  const facts = new Map<string, FactValue>();
  writeValue(facts, source, value);
  const fact = facts.get(source.key);
  return fact === undefined || value === "there"
    ? String(value)
    : valueText({ name: source.key, type: source.type }, fact, refsets);
}
