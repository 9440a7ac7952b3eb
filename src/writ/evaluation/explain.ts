/** Why yes, why no? A trace as sentences: what each clause wanted, what it got (WRIT section 10). */
import type {
  AtomTrace,
  ClauseTrace,
  ConditionTrace,
  DeclarationTrace,
  Trace,
  TraceValue,
} from "../decision.ts";
import { visible } from "../diagnostics/render.ts";

/**
 * Renders a trace. What passes is told in one line a declaration; what fails with its clauses, and those with their atoms.
 *
 * @param isFull - Every clause, those that hold too.
 */
export function explainTrace(trace: Trace, isFull = false): string {
  const revoked = trace.revoked.map(
    ({ set, label, field, at }) =>
      `revoked    \`${field}\` is "${label}" of ${set}, which is revoked   ${at}\n`,
  );
  const declarations = trace.declarations.map((declaration) => declarationText(declaration, isFull));
  return [...revoked, ...declarations].join("").split("\n").map(visible).join("\n");
}

function declarationText(declaration: DeclarationTrace, isFull: boolean): string {
  const { kind, module, name, clauses } = declaration;
  const shown = clauses.filter((clause) => isFull || isTelling(clause, declaration));
  const lines = shown.flatMap((clause) => clauseLines(clause).map((line) => `  ${line}\n`));
  return `${kind.padEnd(6)} ${module}/${name}  ${verdictOf(declaration)}\n${lines.join("")}`;
}

function verdictOf({ kind, passes, clauses }: DeclarationTrace): string {
  const required = clauses.filter(({ clause }) => clause.kind === "require");
  const denies = clauses.filter(({ clause }) => clause.kind === "deny");
  const failed = required.filter(({ verdict }) => verdict !== "ok").length;
  const fired = denies.filter(({ verdict }) => verdict !== "x").length;
  if (failed > 0) return `FAILS: ${failed} of ${required.length} requires`;
  if (fired > 0) return `FAILS: ${fired} of ${denies.length} denies fired`;
  if (kind === "policy" && !hasAllow(clauses)) return "GRANTS NOTHING: no allow holds";
  return passes ? `passes (${required.length} requires, ${denies.length} denies)` : "FAILS";
}

function hasAllow(clauses: readonly ClauseTrace[]): boolean {
  return clauses.some(({ clause, verdict }) => clause.kind === "allow" && verdict === "ok");
}

/** Failing requires, denies that fired; allows where one holds or none does. */
function isTelling({ clause, verdict }: ClauseTrace, { kind, clauses }: DeclarationTrace): boolean {
  if (clause.kind === "require") return verdict !== "ok";
  if (clause.kind === "deny") return verdict !== "x";
  return kind === "policy" && (verdict === "ok" || !hasAllow(clauses));
}

function clauseLines({ clause, verdict, when }: ClauseTrace): readonly string[] {
  const isBad = clause.kind === "deny" ? verdict !== "x" : verdict !== "ok";
  const from = clause.from === undefined ? "" : ` (${clause.from})`;
  const reason = clause.reason === undefined || !isBad ? "" : `   "${clause.reason}"`;
  const head = `${isBad ? "x " : "ok"} ${clause.text}${from}   ${clause.at}${reason}`;
  if (when === undefined || !isBad) return [head];
  return [head, ...atomsOf(when).map((atom) => `     ${atomText(atom)}`)];
}

function atomsOf(condition: ConditionTrace): readonly AtomTrace[] {
  return "atom" in condition ? [condition] : condition.of.flatMap(atomsOf);
}

function atomText({ atom, verdict, got, note }: AtomTrace): string {
  const received = got === undefined ? "absent" : valueText(got);
  return `${verdict.padEnd(2)} ${atom.field}: wanted ${atom.wanted}, got ${received}${note === undefined ? "" : ` (${note})`}`;
}

function valueText(value: TraceValue): string {
  if (typeof value === "string")
    return value.length > 24 && /^[0-9a-f]+$/.test(value) ? `${value.slice(0, 16)}…` : value;
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([name, level]) => `${name} ${level}`)
    .join(", ")} }`;
}

function isList(value: readonly string[] | Readonly<Record<string, number>>): value is readonly string[] {
  return Array.isArray(value);
}
