/** `ostiary policy import-trustee`: what do the policies of a Trustee say in Writ? Asks no broker, and makes nothing live. */
import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import {
  type Imported,
  type ImportNote,
  importTrustee,
  type TrusteeSource,
} from "../../policy/trustee/import.ts";
import { parseReferenceValues } from "../../policy/trustee/reference-values.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import type { ExitStatus, Terminal } from "../command.ts";
import { MAX_SOURCE_BYTES } from "../policy-files.ts";
import type { Edges } from "./edges.ts";

const OPTIONS = {
  attestation: { type: "string" },
  "reference-values": { type: "string" },
  out: { type: "string" },
  json: { type: "boolean" },
} as const;

/** Status 1 where something was left out: what is in the module alone lets somebody in. */
export async function importFromTrustee(
  args: readonly string[],
  { terminal }: Pick<Edges, "terminal">,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { attestation, "reference-values": list, out } = values;
  const imported = importTrustee({
    resource: await sourceOf(oneWord(positionals, "POLICY"), terminal),
    attestation: attestation === undefined ? undefined : await sourceOf(attestation, terminal),
    references:
      list === undefined ? new Map() : parseReferenceValues(await terminal.readFile(list, MAX_SOURCE_BYTES)),
  });
  if (out !== undefined) await terminal.writeFile(out, utf8(imported.text), 0o644);
  if (values.json === true) terminal.out(`${jsonOf(imported)}\n`);
  else tell(imported, terminal, out === undefined);
  return imported.left.length === 0 ? 0 : 1;
}

async function sourceOf(file: string, terminal: Terminal): Promise<TrusteeSource> {
  const text = parseUtf8(await terminal.readFile(file, MAX_SOURCE_BYTES));
  if (text === undefined) throw new Fault("file/unusable", `expected \`${file}\` to be UTF-8`);
  return { file, text };
}

function jsonOf({ text, policies, left }: Imported): string {
  return canonicalJson({ text, policies, left: left.map((note) => ({ ...note })) });
}

function tell({ text, policies, left }: Imported, { out, err }: Terminal, isShown: boolean): void {
  if (isShown) out(text);
  for (const note of left) err(`${placeOf(note)}: ${note.why}\n`);
  err(`policies: ${policies}, left out: ${left.length}
`);
}

function placeOf({ file, line }: ImportNote): string {
  return line === 0 ? file : `${file}:${line}`;
}
