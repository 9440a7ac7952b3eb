/** `ostiary writ fmt`: one form for every source. A file with a syntax error is told of and left as it is. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { formatSource } from "../../writ/formatting/format.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { MAX_SOURCE_BYTES } from "../policy-files.ts";
import { diagnosticJson, tellDiagnostics } from "./compile-files.ts";
import type { WritEdges, WritVerb } from "./verb.ts";

export const FMT: WritVerb = {
  name: "fmt",
  synopsis: ["fmt [--check] FILE…", "write sources in their one form"],
  options: [["--check", "fmt: write nothing, name the files that are not in it (status 1)"]],
  run: fmt,
};

const OPTIONS = { check: { type: "boolean" }, json: { type: "boolean" } } as const;

type Outcome = "same" | "formatted" | "broken";

/** Status 1 where a source is broken, or, with --check, not formatted. */
async function fmt(args: readonly string[], { terminal }: WritEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  if (positionals.length === 0) throw new Misuse("expected at least one FILE");
  const isCheck = values.check === true;
  const outcomes: { readonly file: string; readonly outcome: Outcome }[] = [];
  for (const file of positionals) {
    const outcome = await formatFile(file, terminal, { isCheck, isJson: values.json === true }); // in order: what is told follows it
    outcomes.push({ file, outcome });
  }
  if (values.json === true) terminal.out(`${canonicalJson({ files: outcomes })}\n`);
  else tell(outcomes, terminal, isCheck);
  const isBad = outcomes.some(({ outcome }) => outcome === "broken" || (isCheck && outcome === "formatted"));
  return isBad ? 1 : 0;
}

async function formatFile(
  file: string,
  terminal: Terminal,
  { isCheck, isJson }: { readonly isCheck: boolean; readonly isJson: boolean },
): Promise<Outcome> {
  const bytes = await terminal.readFile(file, MAX_SOURCE_BYTES);
  const text = parseUtf8(bytes);
  if (text === undefined) throw new Fault("file/unusable", `expected \`${file}\` to be UTF-8`);
  const formatted = formatSource(file === "-" ? "stdin.writ" : file, text);
  if (formatted.text === undefined) {
    const { diagnostics } = formatted;
    const sources = new Map(diagnostics.map((one) => [one.file, text]));
    const told = { diagnostics, sources };
    if (isJson) terminal.err(`${canonicalJson(diagnostics.map((one) => diagnosticJson(one, told)))}\n`);
    else tellDiagnostics(told, terminal);
    return "broken";
  }
  if (file === "-" && !isCheck) terminal.out(formatted.text);
  if (formatted.text === text) return "same";
  if (!isCheck && file !== "-") {
    await terminal.writeFile(file, utf8(formatted.text), "kept");
  }
  return "formatted";
}

function tell(
  outcomes: readonly { readonly file: string; readonly outcome: Outcome }[],
  terminal: Terminal,
  isCheck: boolean,
): void {
  for (const { file, outcome } of outcomes) {
    if (outcome !== "formatted" || file === "-") continue;
    terminal.err(isCheck ? `${file} is not formatted\n` : `${file} was formatted\n`);
  }
}
