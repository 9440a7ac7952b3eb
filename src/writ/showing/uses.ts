/** What stands in a source where a template brought a line along, and how does the line read with its values? */
import type { Clause } from "../program.ts";
import type { RuleItem, SourceTree, TemplateItem } from "../syntax/ast.ts";

type Use = Extract<RuleItem, { readonly kind: "use" }>;

/** `use fresh(60s)` as it is written, on one line; for a platform, `platform NAME`. */
export function useText({ text, origin }: Clause, trees: readonly SourceTree[]): string {
  if (text.from?.startsWith("platform ") === true) return text.from;
  const source = trees.find(({ path }) => path === origin.file)?.text ?? "";
  return source.slice(origin.span.start, origin.span.end).replaceAll(/\s+/g, " ");
}

/** A clause's text with the values of its use in the place of the parameters. */
export function valuedText(clause: Clause, trees: readonly SourceTree[]): string {
  const { written, file, span } = clause.origin;
  const source = trees.find(({ path }) => path === file);
  const use = source?.items.flatMap(usesOf).find((one) => one.span.start === span.start);
  const template = trees.find(({ path }) => path === written?.file)?.items.find((one) => isOf(one, use));
  if (source === undefined || use === undefined || template?.kind !== "template") return clause.text.text;
  const values = new Map(
    template.parameters.map(({ text }, at) => {
      const value = use.values[at]?.span;
      return [text, value === undefined ? text : source.text.slice(value.start, value.end)];
    }),
  );
  return clause.text.text.replaceAll(WORDS, (word) => values.get(word) ?? word);
}

/** Strings whole, so that nothing in them is taken for a name; a name with its dots is one word. */
const WORDS = /"(?:[^"\\]|\\.)*"|[A-Za-z_][\w.-]*/g;

function usesOf(item: SourceTree["items"][number]): readonly Use[] {
  if (item.kind !== "policy" && item.kind !== "guard") return [];
  return item.items.flatMap((one) => (one.kind === "use" ? [one] : []));
}

function isOf(item: SourceTree["items"][number], use: Use | undefined): item is TemplateItem {
  return item.kind === "template" && item.name.text === use?.name.text;
}
