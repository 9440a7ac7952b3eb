/** Which moment does a word on the command line name? A day begins at midnight UTC. */
import { parseInstant } from "../../base/time.ts";
import { Misuse } from "../command.ts";

/** Unix seconds. @throws {@link Misuse} for what is no date. */
export function momentOf(text: string): number {
  const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
  const moment = parseInstant(isDay ? `${text}T00:00:00Z` : text.replace(/T(\d\d:\d\d)Z$/, "T$1:00Z"));
  if (moment === undefined) throw new Misuse(`expected a date such as 2026-10-01, received \`${text}\``);
  return moment;
}
