/** How are AMD's bulletins told to people? A line for each, or one in full with every figure, how sure it is, and where it comes from. */
import type { Advisory, Bulletin } from "../policy/advisory.ts";
import { tableOf } from "./table.ts";

/** A line for each bulletin. */
export function bulletinTable({ serial, issued, bulletins }: Advisory): string {
  const head = ["BULLETIN", "PUBLISHED", "CVE", "FIGURES", "ABOUT"];
  const rows = bulletins.map(({ id, published, cves, floors, title }) => [
    id,
    published?.date ?? "not known",
    cves.join(" "),
    floors.length === 0 ? "none" : String(floors.length),
    title,
  ]);
  return `advisory ${serial} of ${issued}\n${tableOf([head, ...rows])}`;
}

/** One bulletin in full. */
export function bulletinText({ id, title, published, cves, floors, beyond }: Bulletin): string {
  const when =
    published === undefined
      ? "published on a day that is not known here"
      : `published ${published.date}, ${published.sure} (${published.source})`;
  const figures = floors.map((one) => [one.line, `${one.component} ${one.least}`, one.sure, one.source]);
  const remarks = beyond.map((one) => [one.lines.join(" "), one.says, one.sure, one.source]);
  return [
    `${id} ${title}: ${[when, ...cves].join(", ")}\n`,
    figures.length === 0
      ? "no level of a component is known\n"
      : tableOf([["LINE", "AT LEAST", "HOW SURE", "SOURCE"], ...figures]),
    remarks.length === 0
      ? ""
      : `\nwhat no level says:\n${tableOf([["LINES", "ASKS", "HOW SURE", "SOURCE"], ...remarks])}`,
  ].join("");
}
