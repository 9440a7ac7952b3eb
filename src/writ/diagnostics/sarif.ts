/** How are diagnostics told to a code-scanning service? As one SARIF 2.1.0 log (OASIS, errata 01). */
import type { JsonObject } from "../../base/canonical-json.ts";
import { type Diagnostic, type Help, type Lines, type Mark, placeOf, type Span } from "./diagnostic.ts";
import { linesByFile, type Told } from "./json.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** One run with a result per diagnostic, in their order; paths are relative to the root of the sources. */
export function sarifOf({ diagnostics, sources }: Told): JsonObject {
  const lines = linesByFile(sources);
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const ruleIndex = new Map(codes.map((code, at) => [code, at]));
  const results = diagnostics.map((one) => ({
    ...resultOf(one, lines(one.file)),
    ruleIndex: ruleIndex.get(one.code),
  }));
  const driver = { name: "ostiary writ", rules: codes.map((id) => ({ id })) };
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [{ tool: { driver }, columnKind: "unicodeCodePoints", results }],
  };
}

function resultOf(diagnostic: Diagnostic, lines: Lines): JsonObject {
  const { code, severity, file, primary, secondary, helps } = diagnostic;
  const fixes = helps.flatMap((help) => fixesOf(help, file, lines));
  return {
    ruleId: code,
    level: severity,
    message: { text: messageOf(diagnostic) },
    locations: [{ physicalLocation: placeIn(file, primary.span, lines) }],
    ...(secondary.length === 0
      ? {}
      : { relatedLocations: secondary.map((mark) => relatedOf(mark, file, lines)) }),
    ...(fixes.length === 0 ? {} : { fixes }),
  };
}

/** Everything that the renderer prints but the source itself, a line each. */
function messageOf({ message, primary, notes, helps }: Diagnostic): string {
  const label = primary.text === "" ? [] : [primary.text];
  const said = [message, ...label, ...notes.map((note) => `note: ${note}`)];
  return [...said, ...helps.map(({ text }) => `help: ${text}`)].join("\n");
}

function relatedOf({ span, text }: Mark, file: string, lines: Lines): JsonObject {
  return { physicalLocation: placeIn(file, span, lines), message: { text } };
}

function placeIn(file: string, span: Span, lines: Lines): JsonObject {
  return { artifactLocation: artifactOf(file), region: regionOf(span, lines) };
}

/** A path as a relative URI. */
function artifactOf(file: string): JsonObject {
  return { uri: file.toWellFormed().split("/").map(encodeURIComponent).join("/") };
}

/** SARIF counts as we do: lines and columns from 1, the end column is the first one after. */
function regionOf({ start, end }: Span, lines: Lines): JsonObject {
  const [from, to] = [placeOf(lines, start), placeOf(lines, end)];
  return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column };
}

function fixesOf({ text, fixes }: Help, file: string, lines: Lines): readonly JsonObject[] {
  return fixes.map((edits) => ({
    description: { text },
    artifactChanges: [
      {
        artifactLocation: artifactOf(file),
        replacements: edits.map((edit) => ({
          deletedRegion: regionOf(edit.span, lines),
          insertedContent: { text: edit.text },
        })),
      },
    ],
  }));
}
