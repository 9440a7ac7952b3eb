/** How are rows written for a spreadsheet? RFC 4180, each cell quoted, and none of them a formula to whoever opens it. */

/** What begins a formula in one program or another. A stranger may have chosen a cell: a name, a subject, a note. */
const FORMULA = /^[\s]*[=+\-@\t\r\n|%]/u;
const PLAIN_NUMBER = /^-?\d+(\.\d+)?$/;

export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\r\n`).join("");
}

function cellOf(text: string): string {
  const clean = text.replaceAll(/[^\P{Cc}\n\t]/gu, "?");
  const harmless = FORMULA.test(clean) && !PLAIN_NUMBER.test(clean) ? `'${clean}` : clean;
  return `"${harmless.replaceAll('"', '""')}"`;
}
