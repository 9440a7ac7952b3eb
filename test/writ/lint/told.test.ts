/** What exactly does each lint say, where, and with which advice? One part of `told.txt` per case, to the byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SNP_VOCABULARY } from "../../../src/policy/vocabulary.ts";
import { compileSources } from "../../../src/writ/compile.ts";
import { renderDiagnostic } from "../../../src/writ/diagnostics/render.ts";
import { lintSources } from "../../../src/writ/lint/lint.ts";
import { digest } from "../toy.ts";

const NOW = Date.UTC(2026, 9, 1) / 1000;
const REFS = `refset images of measurement {
  owner "images@example.org"
  "a 1" = hex"${"a1".repeat(48)}"
}
floor fw {
  owner "firmware@example.org"
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  milan-x { bootloader 4, tee 0, snp 24, microcode 219 }
  genoa refuse
  turin refuse
}`;
const LINES: readonly (readonly [name: string, line: string])[] = [
  ["identity", 'require measurement in images else "not an approved image"'],
  ["firmware", 'require tcb.committed at least fw else "old firmware"'],
  ["stable", 'require not firmware.provisional else "it can be rolled back"'],
  ["secrecy", 'require none { guest.debug, guest.migrate_ma } else "the host could read it"'],
  ["fresh", 'require endorsement.crl_age <= 24h else "an old list"'],
  ["bound", 'require request.channel in [application, tls-exporter] else "not bound"'],
];
const END = '  allow "boot" when request.op == release\n  on release { token_ttl 1m }\n}';

/** `@refs`, `@good but …`, `@end` and `@N` (N bytes) stand for what every policy here has. */
function expanded(text: string): string {
  return text
    .replaceAll(/^@resources .*\n/gm, "")
    .replaceAll("@refs", REFS)
    .replaceAll(/^ *@good(?: but (.*))?$/gm, (_, but = "") =>
      LINES.filter(([name]) => !String(but).split(" ").includes(name))
        .map(([, line]) => `  ${line}`)
        .join("\n"),
    )
    .replaceAll(/^ *@end$/gm, END)
    .replaceAll(/@(\d+)"/g, (_, size) => `${"07".repeat(Number(size))}"`);
}

/** What the linter says of a case. */
function toldOf(given: string): string {
  const resources = /^@resources (.*)$/m.exec(given)?.[1]?.split(" ");
  const text = `writ 1\n${expanded(given)}`;
  const compilation = compileSources([{ path: "p.writ", text }], { vocabulary: SNP_VOCABULARY, digest });
  if (compilation.program === undefined)
    return compilation.diagnostics.map(({ message }) => message).join("; ");
  const options = { vocabulary: SNP_VOCABULARY, now: NOW, ...(resources === undefined ? {} : { resources }) };
  return lintSources(compilation, options)
    .map(
      (one) =>
        `${renderDiagnostic(one, text)}${one.helps.map((help) => `  ${help.fixes.length} fixes\n`).join("")}`,
    )
    .join("\n");
}

const CASES = readFileSync(join(import.meta.dirname, "told.txt"), "utf8")
  .split(/^==== /m)
  .slice(1)
  .map((part) => {
    const [given = "", told = ""] = part.split(/^----\n/m);
    return { given: given.slice(given.indexOf("\n") + 1), told, name: given.slice(0, given.indexOf("\n")) };
  });

describe("the linter says", () => {
  it.each(CASES)("$name", ({ given, told }) => expect(toldOf(given)).toBe(told));
});
