/** In which order are fields asked for? The order of WRIT section 11; among flags, what is asked together lies together. */
import type { Vocabulary } from "../vocabulary.ts";
import type { Dimension } from "./dimension.ts";
import type { Shape } from "./shape.ts";

const ROUNDS = 20;

/**
 * Dimensions in the order of their levels. Sorted by what they are; the many of one kind are drawn towards those that they share
 * a clause with, round after round, so that the order in which an author names them does not decide the size of the diagram.
 */
export function orderedDimensions(
  dimensions: readonly Dimension[],
  shapes: readonly Shape[],
  vocabulary: Vocabulary,
): readonly Dimension[] {
  const ranks = new Map(dimensions.map((one) => [one.name, rankOf(one, vocabulary)]));
  const plain = [...dimensions].sort(
    (a, b) => compareRanks(ranks.get(a.name), ranks.get(b.name)) || (a.name < b.name ? -1 : 1),
  );
  const isLoose = ({ name }: Dimension): boolean => ranks.get(name)?.[0] === LOOSE;
  const loose = plain.filter(isLoose);
  const names = loose.map(({ name }) => name);
  const places = new Map(drawnTogether(names, edgesOf(shapes)).map((name, place) => [name, place]));
  const sorted = loose.toSorted((a, b) => (places.get(a.name) ?? 0) - (places.get(b.name) ?? 0));
  const first = plain.findIndex(isLoose);
  return first < 0 ? plain : plain.toSpliced(first, sorted.length, ...sorted);
}

type Rank = readonly [kind: number, first: number, second: number];

const LOOSE = 6;

function rankOf({ source, domain }: Dimension, vocabulary: Vocabulary): Rank {
  const { resourceField, productField, siliconField, timeField, fields, components } = vocabulary;
  const place = fields.findIndex(({ name }) => name === source.key.replace(/\[.*$/, ""));
  if (source.key === resourceField) return [0, 0, 0];
  if (source.key === productField) return [1, 0, 0];
  if (source.key === siliconField) return [2, 0, 0];
  if (isDeciding(source.key, vocabulary)) return [3, place, 0];
  if (source.component !== undefined) {
    return [7, components.findIndex(({ name }) => name === source.component), place];
  }
  if (domain.kind === "open") return [4, place, 0];
  if (source.key === timeField) return [5, 0, 0];
  return isPresence(domain) ? [5, 1, place] : [LOOSE, place, 0];
}

/** Whether a field is there is asked before its parts: they mean something only then. */
function isPresence(domain: Dimension["domain"]): boolean {
  return domain.kind === "closed" && domain.words.length === 1;
}

/** Whether axioms say that other fields are there or not by the value of this one. */
function isDeciding(key: string, { axioms }: Vocabulary): boolean {
  return axioms.some(
    (axiom) =>
      axiom.kind === "implies" && axiom.when.some(({ kind, field }) => kind === "one-of" && field === key),
  );
}

function compareRanks(a: Rank | undefined, b: Rank | undefined): number {
  const [left, right] = [a ?? [0, 0, 0], b ?? [0, 0, 0]];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** The dimensions that stand beside each other in one `and` or `or`. */
function edgesOf(shapes: readonly Shape[]): readonly (readonly string[])[] {
  const edges = new Map<string, readonly string[]>();
  const visit = (shape: Shape): void => {
    if (shape.kind !== "and" && shape.kind !== "or") return;
    const names = new Set(shape.of.flatMap((one) => (one.kind === "literal" ? [one.dimension] : [])));
    if (names.size > 1) edges.set([...names].join("\n"), [...names]);
    for (const one of shape.of) visit(one);
  };
  for (const shape of shapes) visit(shape);
  return [...edges.values()];
}

/** Each name goes to the middle of the edges it is in, again and again. */
function drawnTogether(names: readonly string[], edges: readonly (readonly string[])[]): readonly string[] {
  const wanted = new Set(names);
  const inside = edges
    .map((edge) => edge.filter((name) => wanted.has(name)))
    .filter((edge) => edge.length > 1);
  let order = names;
  for (let round = 0; round < ROUNDS && inside.length > 0; round += 1) {
    const places = new Map(order.map((name, place) => [name, place]));
    const pulls = new Map<string, number[]>(names.map((name) => [name, []]));
    for (const edge of inside) {
      const middle = mean(edge.map((name) => places.get(name) ?? 0));
      for (const name of edge) pulls.get(name)?.push(middle);
    }
    const targets = new Map(
      order.map((name) => [name, mean([...(pulls.get(name) ?? [])], places.get(name) ?? 0)]),
    );
    const next = [...order].sort((a, b) => (targets.get(a) ?? 0) - (targets.get(b) ?? 0));
    if (next.every((name, at) => name === order[at])) return order;
    order = next;
  }
  return order;
}

function mean(numbers: readonly number[], otherwise = 0): number {
  return numbers.length === 0 ? otherwise : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}
