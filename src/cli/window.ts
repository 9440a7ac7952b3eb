/** From when to when is something to hold? Two dates on the command line, or a year from today. */
import { addSeconds, type Instant, instant, parseInstant } from "../base/time.ts";
import { Misuse } from "./command.ts";

const DAY = 86_400;
/** How long a reference value holds where nobody says. */
const USUAL_DAYS = 365;

/** Half open, both midnight. @throws {@link Misuse} for what is not `2026-12-01..2027-12-01`. */
export function windowOf(
  text: string | undefined,
  now: Instant,
): { readonly from: Instant; readonly to: Instant } {
  const today = instant(now - (now % DAY));
  if (text === undefined) return { from: today, to: addSeconds(today, USUAL_DAYS * DAY) };
  const [, begin, end] = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/.exec(text) ?? [];
  const [from, to] = [parseInstant(`${begin}T00:00:00Z`), parseInstant(`${end}T00:00:00Z`)];
  if (from !== undefined && to !== undefined && from < to) return { from, to };
  throw new Misuse(`expected --valid as 2026-12-01..2027-12-01, received \`${text}\``);
}
