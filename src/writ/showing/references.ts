/** How are reference sets and floors shown? Each value with its window as a bar, each row as it stands. */
import { timeText } from "../diff/value-text.ts";
import type { Entry, Floor, Refset } from "../program.ts";
import { barOf, type Reach, reachOf } from "./bar.ts";

const SHOWN_DIGITS = 8;

/** @param now - Unix seconds: where the mark of now stands in each bar. */
export function refsetLines({ name, field, entries, owner, origin }: Refset, now: number): readonly string[] {
  const reach = reachOf(
    entries.map(({ valid }) => valid),
    now,
  );
  const by = owner === undefined ? "" : `, owner ${owner}`;
  const width = Math.max(...entries.map(({ label }) => label.length));
  return [
    `refset ${name} of ${field}   # ${origin.file}${by}`,
    ...entries.map((entry) => entryLine(entry, { reach, width })),
  ];
}

function entryLine(
  { label, value, state, valid }: Entry,
  { reach, width }: { readonly reach: Reach; readonly width: number },
): string {
  const digits = value.length > 2 * SHOWN_DIGITS ? `${value.slice(0, SHOWN_DIGITS)}…` : value;
  const window = state === "revoked" ? "denied for ever" : `${barOf(valid, reach)}  ${windowText(valid)}`;
  return `  ${JSON.stringify(label).padEnd(width + 2)}  ${digits}  ${state.padEnd(8)}  ${window}`;
}

function windowText(window: Entry["valid"]): string {
  if (window === undefined) return "always";
  return `${dayText(window.from)} .. ${window.to === undefined ? "" : dayText(window.to)}`.trimEnd();
}

/** A day alone where it begins at midnight. */
function dayText(seconds: number): string {
  return timeText(seconds).replace(/T00:00Z$/, "");
}

export function floorLines({ name, rows, origin }: Floor): readonly string[] {
  const lines = rows.map(({ name: product, least }) => {
    const levels = Object.entries(least ?? {}).map(([component, level]) => `${component} ${level}`);
    return least === undefined ? `  ${product} refuse` : `  ${product} { ${levels.join(", ")} }`;
  });
  return [`floor ${name}   # ${origin.file}`, ...lines];
}
