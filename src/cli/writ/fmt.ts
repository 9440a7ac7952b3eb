/** `ostiary writ fmt`: one form for every source. A file with a syntax error is told of and left as it is. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import type { Diagnostic } from "../../writ/diagnostics/diagnostic.ts";
import { diagnosticsJson } from "../../writ/diagnostics/json.ts";
import { formatSource } from "../../writ/formatting/format.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { MAX_SOURCE_BYTES } from "../policy-files.ts";
import { tellDiagnostics, tellingOf } from "./compile-files.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const FMT: WritVerb = {
  name: "fmt",
  synopsis: ["fmt [--check] FILE…", "write sources in their one form"],
  options: [["--check", "fmt: write nothing, name the files that are not in it (status 1)"]],
  run: fmt,
};

const OPTIONS = {
  check: { type: "boolean" },
  json: { type: "boolean" },
  sarif: { type: "boolean" },
} as const;

type Outcome = "same" | "formatted" | "broken";

interface Done {
  readonly file: string;
  readonly outcome: Outcome;
  readonly text: string;
  /** Of a broken file. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Status 1 where a source is broken, or, with --check, not formatted. */
async function fmt(args: readonly string[], { terminal }: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const telling = tellingOf(values);
  if (positionals.length === 0) throw new Misuse("expected at least one FILE");
  const isCheck = values.check === true;
  const done: Done[] = [];
  for (const file of positionals) done.push(await formatFile(file, terminal, isCheck)); // in order: what is told follows it
  const told = {
    diagnostics: done.flatMap(({ diagnostics }) => diagnostics),
    sources: new Map(done.map(({ file, text }) => [nameOf(file), text])),
  };
  if (telling === "json") terminal.out(`${canonicalJson({ files: done.map(jsonOf) })}\n`);
  else tellDiagnostics(told, terminal, telling);
  if (telling === "text") tell(done, terminal, isCheck);
  const isBad = done.some(({ outcome }) => outcome === "broken" || (isCheck && outcome === "formatted"));
  return isBad ? 1 : 0;
}

/** Formats one file in place, standard input to standard output; with --check neither. */
async function formatFile(file: string, terminal: Terminal, isCheck: boolean): Promise<Done> {
  const bytes = await terminal.readFile(file, MAX_SOURCE_BYTES);
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault("file/unusable", `expected \`${file}\` to be UTF-8`);
  const { text: formatted, diagnostics } = formatSource(nameOf(file), text);
  if (formatted === undefined) return { file, outcome: "broken", text, diagnostics };
  if (file === "-" && !isCheck) terminal.out(formatted);
  if (formatted === text) return { file, outcome: "same", text, diagnostics };
  if (!isCheck && file !== "-") await terminal.writeFile(file, utf8(formatted), "kept");
  return { file, outcome: "formatted", text, diagnostics };
}

/** What diagnostics call it. */
function nameOf(file: string): string {
  return file === "-" ? "stdin.writ" : file;
}

function jsonOf({ file, outcome, text, diagnostics }: Done): JsonObject {
  if (outcome !== "broken") return { file, outcome };
  return {
    file,
    outcome,
    diagnostics: diagnosticsJson({ diagnostics, sources: new Map([[nameOf(file), text]]) }),
  };
}

function tell(done: readonly Done[], terminal: Terminal, isCheck: boolean): void {
  for (const { file, outcome } of done) {
    if (outcome !== "formatted" || file === "-") continue;
    terminal.err(isCheck ? `${file} is not formatted\n` : `${file} was formatted\n`);
  }
}
