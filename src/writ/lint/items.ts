/** Which item begins at a place of a source? What a silencer above it covers. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { Item, RuleItem, SourceTree } from "../syntax/ast.ts";

/** Offset → the item that begins there: declarations, rules, obligations, entries, rows. The largest, where several do. */
export function spansOf(tree: SourceTree): ReadonlyMap<number, Span> {
  const spans = new Map<number, Span>();
  const add = (span: Span): void => {
    const known = spans.get(span.start);
    if (known === undefined || known.end < span.end) spans.set(span.start, span);
  };
  for (const { span } of tree.imports) add(span);
  for (const item of tree.items) {
    add(item.span);
    for (const part of partsOf(item)) add(part.span);
  }
  return spans;
}

function partsOf(item: Item): readonly { readonly span: Span }[] {
  switch (item.kind) {
    case "refset":
      return item.entries;
    case "floor":
      return item.rows;
    case "policy":
    case "guard":
    case "template":
      return item.items.flatMap(ruleParts);
    case "test":
    case "assert":
      return [];
  }
}

function ruleParts(item: RuleItem): readonly { readonly span: Span }[] {
  return item.kind === "release" ? [item, ...item.obligations] : [item];
}
