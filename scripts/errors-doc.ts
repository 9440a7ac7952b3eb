/** What does `docs/errors.md` say? The table of fault codes, room by room; run this file to write it. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FAULT_CODES } from "../src/base/fault-codes.ts";

export const ERRORS_DOC = new URL("../docs/errors.md", import.meta.url);

/** The document as Markdown. */
export function errorsDocument(): string {
  const rooms = new Map<string, string[]>();
  for (const [code, { status, wire, next }] of Object.entries(FAULT_CODES)) {
    const room = code.split("/", 1).join("");
    const rows = rooms.get(room) ?? [];
    rows.push(`| \`${code}\` | ${status} | \`${wire}\` | ${next} |`);
    rooms.set(room, rows);
  }
  const sections = [...rooms].map(([room, rows]) => `## ${room}\n\n${HEAD}\n${rows.join("\n")}\n`);
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const HEAD = "| code | status | wire code | what to do next |\n|---|---|---|---|";

const INTRODUCTION = `# Errors

Written by \`node scripts/errors-doc.ts\` from \`src/base/fault-codes.ts\`; change the table, not this file.

Every no has a **code** for the operator, which stands in the log, the decision log and on the command line, and a
**wire code** for the guest, which is coarse on purpose: a guest cannot learn which step it failed. Over HTTP a no is RFC 9457
problem details, \`type\` being \`urn:ostiary:problem:\` and the wire code, \`instance\` being \`urn:ostiary:\` and the id under
which the operator finds it (\`GET /v1/admin/decisions/ID\`). An admin who signed the request also gets the code (\`fault\`)
and what was expected (\`detail\`).

The command line ends with status 1 for an honest no, 2 for misuse, and 3 where the broker or a file cannot be reached or used.
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(ERRORS_DOC, errorsDocument());
