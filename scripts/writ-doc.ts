/** What does `docs/writ.md` say? The language on one page, its fields from the vocabulary, its codes; run this file to write it. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SNP_VOCABULARY } from "../src/policy/vocabulary.ts";
import type { FieldType, Vocabulary } from "../src/writ/vocabulary.ts";
import { CODES } from "./writ-codes.ts";

export const WRIT_DOC = new URL("../docs/writ.md", import.meta.url);

/** The document as Markdown. */
export function writDocument(): string {
  return [INTRODUCTION, fieldsOf(SNP_VOCABULARY), codesOf()].join("\n");
}

function fieldsOf({ fields, components, platforms, wraps }: Vocabulary): string {
  const rows = fields.map(({ name, type, absence, index, doc }) => {
    const family = index === undefined ? "" : `[${index.from}..${index.to}]`;
    const note = absence === undefined ? doc : `${doc} ${absence.where.replace(/^a/, "A")}.`;
    return `| \`${name}${family}\` | ${typeText(type)}${absence === undefined ? "" : "?"} | ${note} |`;
  });
  const names = components.map(({ name }) => `\`${name}\``).join(", ");
  const list = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(", ");
  return `## Fields

A type with \`?\` is optional: say \`has\` beside it. A \`tcb\` has the components ${names} (\`tcb.committed.snp >= 23\`); \`fmc\` is there on Turin alone.
Platforms: ${list(platforms.map(({ name }) => name))}. Wraps: ${list(wraps)}.

| field | type | meaning |
|---|---|---|
${rows.join("\n")}
| \`approvals from "GROUP"\` | uint<8> | Distinct people of the group who approved this very request. |
`;
}

function typeText(type: FieldType): string {
  switch (type.kind) {
    case "bytes":
      return `bytes<${type.size}>`;
    case "uint":
    case "bits":
      return `${type.kind}<${type.bits}>`;
    case "enum":
      return type.values.map((value) => `\`${value}\``).join(" ");
    default:
      return type.kind;
  }
}

function codesOf(): string {
  const rows = Object.entries(CODES).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return `## Codes

\`E\` refuses the source. \`W\` deserves a look and can be excused in writing. \`N\` is told on request (\`writ lint --notes\`).

| code | finds |
|---|---|
${rows.join("\n")}
`;
}

const INTRODUCTION = `# Writ

Written by \`node scripts/writ-doc.ts\` from the vocabulary and the table of codes; change those, not this file. How to work with policies, step by step,
is in [policies.md](policies.md); policies to start from are in [policies](../policies/README.md).

Every condition compares **one field with constants**. There is no arithmetic, no call, no pattern over values and no loop, so what a set of
policies allows can be asked about all requests at once, and answered exactly: \`lint\`, \`diff\` and \`assert\` do.

## Who gets a key

A secret leaves only if

- some **policy** in scope has every \`require\` true and some \`allow\` true, and
- no \`deny\` of any policy or **guard** in scope fires, and
- every guard in scope has every \`require\` true, and
- no revoked reference value matches.

In scope is what the path after \`for resource\` fits (\`*\` is one segment, a last \`**\` one or more) and whose \`valid\` window, if it has one, is open. A
\`deny\` binds everything in its scope, whichever policy it stands in. A field that is absent makes its condition *unknown*: unknown fails a \`require\` and an
\`allow\`, and fires a \`deny\`. The order of lines, files and imports never matters.

## A file

\`\`\`writ
writ 1
module team.disks version 1.2.0 { owner "team@example.org" }
import "refs/images.writ" { node_images }

floor fw {
  owner "firmware@example.org"
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  genoa { bootloader 10, tee 0, snp 23, microcode 84 }
  turin refuse
}

policy luks "Root disks" {
  for resource "prod/luks/**"
  platform bare-metal

  require measurement in node_images else "not an approved image"
  require tcb.committed at least fw else "old firmware"
  deny when guest.debug because "the host can read it"

  allow "boot" when request.op == release and now.hour in 6 .. 20

  on release {
    token_ttl 2m
    max_releases 3 per report.id within 1h
  }
}
\`\`\`

| form | means |
|---|---|
| \`x == c\`, \`x != c\`, \`x in [a, b]\`, \`x in a .. b\` | equal, not, one of, between (both ends; of times without the last) |
| \`x < c\` and the like | for numbers, durations, times, versions; a \`tcb\` has no order |
| \`x at least { snp 24, … }\`, \`x at least fw\` | each component named is at least that; a floor has a row for each product |
| \`x in set\`, \`x in set where version >= 2.0\` | a live entry of a reference set |
| \`x contains bit 3\`, \`x contains "name"\`, \`x within ["10.0.0.0/8"]\` | bits, sets of text, addresses |
| \`flag\`, \`has x\`, \`not c\` | a flag is written bare; \`has\` asks for presence |
| \`a and b\`, \`a or b\`, \`all { … }\`, \`any { … }\`, \`none { … }\` | \`and\` and \`or\` mix only with parentheses |
| \`refset s of field { "label" = hex"…" valid A .. B state retiring }\` | reference values: active, retiring or revoked, each with its window |
| \`template t(a) { … }\`, \`use t(x)\` | lines for several policies; they are expanded where they are used |
| \`test\`, \`assert never { c } allows "**"\` | what a test file says; proved over all requests |

Floors: a floor under \`tcb.reported\` alone holds nothing, since the host chooses what it reports; \`tcb.committed\` is what the host cannot go back behind.
Microcode levels compare only within one line of silicon, so give each line its own row (\`milan-x\`, \`genoa-x\`, \`siena\`, \`turin-dense\`).

| on release | default | where several policies allow |
|---|---|---|
| \`token_ttl 5m\` | 60 s, at most what the broker is configured for | the shortest |
| \`max_releases 3 per FIELD within 1h\`, \`rate 10 per 1m\` | none; the broker's own rate | all of them |
| \`wrap NAME\` | what the guest offers | must be the same (E0502) |
| \`key_version current\`, \`>= 3\`, \`any\` | \`current\` | the strictest |
| \`reattest every 1h\`, \`approvals_expire 10m\` | none; 15 m | the shortest |
| \`notify "who"\`, \`audit full\` | none | all of them; \`full\` |
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(WRIT_DOC, writDocument());
