/** Where does the checker stand? The file, the names in reach, and where a finding about expanded text is shown. */

import { type Diagnostic, placeOf, type Span } from "../diagnostics/diagnostic.ts";
import { type Draft, fix, isSaturated, report } from "../diagnostics/findings.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { Entry, Floor, Origin, Refset } from "../program.ts";
import type { FieldName, Literal, Name, NamedItem } from "../syntax/ast.ts";
import { type FieldTable, type KnownField, lookUpField } from "./fields.ts";
import type { Bound, FileScope } from "./scope.ts";

/** A value given to a template, with the place its names are known at. */
export interface Argument {
  readonly literal: Literal;
  readonly desk: Desk;
}

/** Every set and floor of the bundle, by its declaration. */
export interface KnownReferences {
  readonly sets: ReadonlyMap<NamedItem, KnownSet>;
  readonly floors: ReadonlyMap<NamedItem, Floor>;
}

/** A set, and its live entries by the `where` that chooses among them: each list is made once. */
export interface KnownSet {
  readonly set: Refset;
  readonly views: Map<string, readonly Entry[]>;
}

/** `file` is where the text at hand stands. Inside a template or platform, findings are shown at its use. */
export interface Desk {
  readonly file: FileScope;
  readonly table: FieldTable;
  readonly parameters: ReadonlyMap<string, Argument>;
  readonly known: KnownReferences;
  readonly use?: { readonly desk: Desk; readonly span: Span; readonly from: string };
  /** The hex digest of a file of the bundle. */
  readonly digestOf: (algorithm: "sha256" | "sha384", path: string) => string | undefined;
}

/** Reports at the text at hand, or at the use that brought it here. */
export function tell(desk: Desk, draft: Draft): void {
  if (desk.use === undefined) {
    report(desk.file.findings, draft);
    return;
  }
  const { file, use } = desk;
  const { line } = placeOf(file.lines, draft.span.start);
  const notes = [...(draft.notes ?? []), `in ${use.from}, line ${line}`];
  const helps = draft.helps?.map(({ text }) => ({ text, fixes: [] })) ?? [];
  tell(use.desk, { ...draft, span: use.span, secondary: [], notes, helps });
}

/** `file:line` of a place in the text at hand; of the use, inside a template or platform. */
export function whereOf(desk: Desk, offset: number): string {
  if (desk.use !== undefined) return whereOf(desk.use.desk, desk.use.span.start);
  return `${desk.file.path}:${placeOf(desk.file.lines, offset).line}`;
}

/** The place of a stretch of the text at hand; inside a template or platform that of its use, and where the text is written. */
export function originOf({ file, use }: Desk, span: Span): Origin {
  if (use === undefined) return { file: file.path, span };
  return { ...originOf(use.desk, use.span), written: { from: use.from, file: file.path, span } };
}

/** `line:column` of a place in the text at hand, likewise. */
export function columnOf(desk: Desk, offset: number): string {
  if (desk.use !== undefined) return columnOf(desk.use.desk, desk.use.span.start);
  const { line, column } = placeOf(desk.file.lines, offset);
  return `${line}:${column}`;
}

/** A stretch of the source on one line, blanks collapsed, long byte constants shortened. */
export function sourceText(desk: Desk, { start, end }: Span): string {
  const text = desk.file.text
    .slice(start, Math.min(end, start + 4000))
    .replaceAll(/#[^\n]*/g, (comment, at, whole) => (isInString(whole, at) ? comment : " "))
    .replaceAll(/hex"([0-9a-fA-F]{8})[0-9a-fA-F_\s]{9,}"/g, 'hex"$1…"')
    .replaceAll(/\s+/g, " ");
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

function isInString(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at) + 1, at).replaceAll(/\\./g, "");
  return (line.match(/"/g)?.length ?? 0) % 2 === 1;
}

/** What a literal stands for: itself, or the value given for a parameter. */
export function argumentOf(desk: Desk, literal: Literal): Argument {
  const given = literal.kind === "name" ? desk.parameters.get(literal.text) : undefined;
  return given ?? { literal, desk };
}

/** What a name of a set or floor is bound to. A parameter's value is looked up where it was given. */
export function boundOf(desk: Desk, name: Name): { readonly name: Name; readonly bound: Bound | undefined } {
  const given = desk.parameters.get(name.text);
  if (given === undefined) return { name, bound: desk.file.names.get(name.text) };
  const { literal } = given;
  const text = literal.kind === "name" ? literal.text : name.text;
  return { name: { ...name, text }, bound: given.desk.file.names.get(text) };
}

/** Whether a name is a parameter that no use has given a value yet: what it would name cannot be judged. */
export function isOpenParameter({ parameters }: Desk, name: Name): boolean {
  return parameters.get(name.text)?.literal.kind === "broken";
}

/** Names in reach that are bound to a declaration of one kind. */
export function namesOfKind(desk: Desk, kind: Bound["item"]["kind"]): readonly string[] {
  return [...desk.file.names].flatMap(([name, { item }]) => (item.kind === kind ? [name] : []));
}

/** "did you mean", with its edit, if one of `names` is near: habitual words of the vocabulary first. */
export function suggestion(desk: Desk, name: Name, names: readonly string[]): Diagnostic["helps"] {
  const meant = meantName(desk, name.text, names);
  return meant === undefined ? [] : fix(`did you mean \`${meant}\`?`, name.span, meant);
}

export function meantName(desk: Desk, written: string, names: readonly string[]): string | undefined {
  if (isSaturated(desk.file.findings)) return undefined;
  const { words } = desk.table.vocabulary.hints;
  const word = Object.hasOwn(words, written) ? words[written] : undefined;
  return word !== undefined && names.includes(word) ? word : nearest(written, names);
}

/** The field a name stands for; reports when there is none. */
export function fieldOf(desk: Desk, written: FieldName): KnownField | undefined {
  const found = lookUpField(desk.table, written);
  const { span, base } = written;
  switch (found.kind) {
    case "known":
      return found.field;
    case "unknown":
      tell(desk, {
        code: "E0301",
        span,
        message: `unknown field \`${base}\``,
        label: `no such field in ${desk.table.vocabulary.subject}`,
        helps: suggestion(desk, { text: base, span }, desk.table.names),
      });
      return undefined;
    case "not-indexed":
      tell(desk, { code: "E0301", span, message: `\`${base}\` is one field`, label: "it has no index" });
      return undefined;
    case "needs-index": {
      const label = `write \`${base}[${found.from}]\` to \`${base}[${found.to}]\``;
      tell(desk, { code: "E0301", span, message: `\`${base}\` is a row of fields`, label });
      return undefined;
    }
    case "index-range": {
      const message = `\`${base}\` goes from ${found.from} to ${found.to}`;
      tell(desk, { code: "E0204", span, message, label: "out of range" });
      return undefined;
    }
  }
}
