/** Which reference values does an atom lean on? Vectors, floors and sets, by name. */

import { advice, fix } from "../diagnostics/findings.ts";
import type { VersionFact } from "../facts.ts";
import type { Entry, FieldRef, Relation, Test } from "../program.ts";
import type { AtomExpression, NameLiteral, TcbLiteral } from "../syntax/ast.ts";
import { CAPS } from "../syntax/tokens.ts";
import { levelsOf } from "./constants.ts";
import { boundOf, type Desk, isOpenParameter, type KnownSet, namesOfKind, suggestion, tell } from "./desk.ts";
import { warnOfLeftOut, warnOfUnversioned } from "./warnings.ts";

type SetAtom = Extract<AtomExpression, { readonly kind: "in-set" }>;

/** `at least { … }`. */
export function leastTest(desk: Desk, literal: TcbLiteral): Test | undefined {
  const least = levelsOf(desk, literal);
  if (least === undefined) return undefined;
  warnOfLeftOut(desk, literal.span, least);
  return { kind: "vector-least", least };
}

/** `at least floor`. */
export function floorTest(desk: Desk, written: NameLiteral): Test | undefined {
  const given = desk.parameters.get(written.text);
  if (given?.literal.kind === "tcb") return leastTest(desk, given.literal);
  if (isOpenParameter(desk, written)) return undefined;
  const { name, bound } = boundOf(desk, written);
  if (bound?.item.kind === "floor") {
    return { kind: "floor", floor: name.text, rows: desk.known.floors.get(bound.item)?.rows ?? [] };
  }
  tell(desk, {
    code: "E0307",
    span: written.span,
    message: `unknown floor \`${name.text}\``,
    label: bound === undefined ? "not declared or imported" : `\`${name.text}\` is a ${bound.item.kind}`,
    helps: suggestion(desk, name, namesOfKind(desk, "floor")),
  });
  return undefined;
}

/** `in set`, with or without `where version`. */
export function memberTest(desk: Desk, atom: SetAtom, field: FieldRef): Test | undefined {
  if (isOpenParameter(desk, atom.set)) return undefined;
  const { name, bound } = boundOf(desk, atom.set);
  if (bound?.item.kind !== "refset") {
    tell(desk, {
      code: "E0309",
      span: atom.set.span,
      message: `unknown reference set \`${name.text}\``,
      label: bound === undefined ? "not declared or imported" : `\`${name.text}\` is a ${bound.item.kind}`,
      helps: suggestion(desk, name, namesOfKind(desk, "refset")),
    });
    return undefined;
  }
  if (bound.item.field.text !== field.name)
    return tellOtherField(desk, atom, { field, of: bound.item.field.text });
  const known = desk.known.sets.get(bound.item);
  if (known === undefined) return undefined;
  if (atom.where !== undefined) warnOfUnversioned(desk, atom.span, known.set.entries);
  const entries = liveEntries(known, atom.where);
  return entries === undefined ? tellManyViews(desk, atom) : { kind: "member", set: name.text, entries };
}

/** Each choice by version is a list of entries, so their number is bounded. */
function tellManyViews(desk: Desk, { set, span }: SetAtom): undefined {
  const message = `\`${set.text}\` is narrowed in more than ${CAPS.versionViews} ways by \`where version\``;
  tell(desk, { code: "E0017", span, message, label: "one too many" });
  return undefined;
}

type Where = NonNullable<SetAtom["where"]>;

/** Entries that are not revoked and, with `where`, whose version fits; an entry without a version fits none. */
function liveEntries({ set, views }: KnownSet, where: Where | undefined): readonly Entry[] | undefined {
  const key = where === undefined ? "" : `${where.mark.relation} ${where.version.join(".")}`;
  const view = views.get(key);
  if (view !== undefined || views.size > CAPS.versionViews) return view;
  const live = set.entries.filter(
    ({ state, version }) =>
      state !== "revoked" &&
      (where === undefined ||
        (version !== undefined && isRelated(version, where.mark.relation, where.version))),
  );
  views.set(key, live);
  return live;
}

/** Whether `a relation b`, part by part. */
function isRelated(a: VersionFact, relation: Relation, b: VersionFact): boolean {
  const difference = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
  switch (relation) {
    case "==":
      return difference === 0;
    case "!=":
      return difference !== 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
  }
}

function tellOtherField(
  desk: Desk,
  { set }: SetAtom,
  { field, of }: { readonly field: FieldRef; readonly of: string },
): undefined {
  const fitting = namesOfKind(desk, "refset").filter((name) => {
    const item = desk.file.names.get(name)?.item;
    return item?.kind === "refset" && item.field.text === field.name;
  });
  const [first] = fitting;
  const told = `it is a set of \`${field.name}\``;
  tell(desk, {
    code: "E0311",
    span: set.span,
    message: `\`${set.text}\` is a set of \`${of}\`, not of \`${field.name}\``,
    label: "wrong kind of reference set",
    helps:
      first === undefined
        ? advice(`declare a \`refset … of ${field.name}\``)
        : fix(`did you mean \`${first}\`? ${told}`, set.span, first),
  });
  return undefined;
}
