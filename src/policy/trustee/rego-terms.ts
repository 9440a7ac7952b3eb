/** What do terms and the steps of a body look like? The part of Rego's expressions that policies of Trustee use. */
import { isUnread, type RegoStream, type Unread, unread } from "./rego-stream.ts";
import type { Comparison, RegoStep, RegoTerm } from "./rego-tree.ts";

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  "==": "==",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
const RESERVED = new Set(["not", "some", "every", "with", "as", "else", "default", "if", "contains", "in"]);
const MAX_DEPTH = 32;

/** The steps of a body. One that is not understood leaves the rest of it unsaid, and stands there as unclear. */
export function bodyOf(stream: RegoStream, depth = 0): readonly RegoStep[] {
  const { line: first, text: open, kind: opens } = stream.peek();
  const isBraced = opens === "sign" && open === "{";
  const inner = stream.body();
  const steps: RegoStep[] = [];
  while (inner.peek().kind !== "end") {
    if (inner.take(";")) continue;
    const { line } = inner.peek();
    const step = stepOf(inner, depth);
    if (isUnread(step)) return [...steps, { kind: "unclear", line, why: step.unread }];
    steps.push(step);
    const { isFirst, text, kind } = inner.peek();
    // Without braces a body is one condition.
    const isDone = isBraced ? isFirst || text === ";" || kind === "end" : kind === "end";
    if (!isDone)
      return [...steps, { kind: "unclear", line, why: `\`${text}\` behind a condition is not understood` }];
  }
  return steps.length > 0 ? steps : [{ kind: "unclear", line: first, why: "an empty body" }];
}

function stepOf(stream: RegoStream, depth: number): RegoStep | Unread {
  if (depth > MAX_DEPTH) return unread("conditions nested too deep");
  const { kind, text, line } = stream.peek();
  if (kind === "name" && text === "not") {
    stream.next();
    const step = stepOf(stream, depth + 1);
    return isUnread(step) ? step : { kind: "not", line, step };
  }
  if (kind === "name" && (text === "some" || text === "every")) {
    stream.next();
    return chosenOf(stream, { word: text, line, depth });
  }
  return comparedOf(stream, line);
}

/** `some x in LIST`, `some _, x in LIST`, `every _, x in LIST { BODY }`. */
function chosenOf(
  stream: RegoStream,
  { word, line, depth }: { readonly word: "some" | "every"; readonly line: number; readonly depth: number },
): RegoStep | Unread {
  let { text: name, kind } = stream.next();
  if (stream.take(",")) ({ text: name, kind } = stream.next());
  if (kind !== "name" || !stream.take("in"))
    return unread(`\`${word}\` in another form than \`${word} x in …\``);
  const list = termOf(stream);
  if (isUnread(list)) return list;
  if (word === "some") return { kind: "some", line, name, list };
  if (stream.peek().text !== "{") return unread("`every` without a body");
  return { kind: "every", line, name, list, body: bodyOf(stream, depth + 1) };
}

function comparedOf(stream: RegoStream, line: number): RegoStep | Unread {
  const left = termOf(stream);
  if (isUnread(left)) return left;
  const sign = operatorOf(stream);
  if (sign === undefined) return { kind: "term", line, term: left };
  stream.next();
  const right = termOf(stream);
  if (isUnread(right)) return right;
  const op = COMPARISONS[sign];
  if (op !== undefined) return { kind: "compare", line, op, left, right };
  if (sign === "in") return { kind: "in", line, term: left, list: right };
  // `=` binds a name that is free, and compares what is not: which of them, whoever evaluates it knows.
  if (left.kind === "name") return { kind: "let", line, name: left.name, term: right };
  return sign === "=" ? { kind: "compare", line, op: "==", left, right } : unread("`:=` to no name");
}

/** What stands between two terms, if it is something. */
function operatorOf(stream: RegoStream): string | undefined {
  const { text, kind } = stream.peek();
  if (kind === "name") return text === "in" ? text : undefined;
  const isKnown = Object.hasOwn(COMPARISONS, text) || text === ":=" || text === "=";
  return kind === "sign" && isKnown ? text : undefined;
}

/** One term, with the members that are taken of it. */
export function termOf(stream: RegoStream, depth = 0): RegoTerm | Unread {
  if (depth > MAX_DEPTH) return unread("terms nested too deep");
  let term = bareTermOf(stream, depth);
  for (let members = 0; !isUnread(term) && isMember(stream); members += 1) {
    if (members > MAX_DEPTH) return unread("a name with more members than anything has");
    term = memberOf(stream, term, depth);
  }
  return term;
}

function isMember(stream: RegoStream): boolean {
  const { kind, text, isFirst } = stream.peek();
  return kind === "sign" && !isFirst && (text === "." || text === "[" || text === "(");
}

/** `.name`, `[key]`, or the arguments of a call. */
function memberOf(stream: RegoStream, of: RegoTerm, depth: number): RegoTerm | Unread {
  const { text: sign } = stream.next();
  if (sign === "(") return callOf(stream, of, depth);
  if (sign === ".") {
    const { kind, text } = stream.next();
    if (kind !== "name") return unread("a `.` without a name");
    return { kind: "member", of, key: { kind: "constant", value: text } };
  }
  const key = termOf(stream, depth + 1);
  if (isUnread(key)) return key;
  return stream.take("]") ? { kind: "member", of, key } : unread("a `[` whose index is not understood");
}

function callOf(stream: RegoStream, of: RegoTerm, depth: number): RegoTerm | Unread {
  const args = listOf(stream, ")", depth);
  if (isUnread(args)) return args;
  const name = calledName(of);
  return name === undefined
    ? unread("a call of something that is no function")
    : { kind: "call", name, args: args.terms };
}

/** `count` and `time.now_ns` alike. */
function calledName(term: RegoTerm): string | undefined {
  if (term.kind === "name") return term.name;
  if (term.kind !== "member" || term.key.kind !== "constant") return undefined;
  const of = calledName(term.of);
  return of === undefined ? undefined : `${of}.${term.key.value}`;
}

function bareTermOf(stream: RegoStream, depth: number): RegoTerm | Unread {
  const { kind, text } = stream.next();
  if (kind === "string") return { kind: "constant", value: text };
  if (kind === "number") return { kind: "constant", value: Number(text) };
  if (kind === "sign") return bracketOf(stream, text, depth);
  if (kind === "end" || RESERVED.has(text)) return unread(kind === "end" ? "an end" : `\`${text}\` here`);
  const word = Object.hasOwn(WORDS, text) ? WORDS[text] : undefined;
  return word === undefined ? { kind: "name", name: text } : { kind: "constant", value: word };
}

function bracketOf(stream: RegoStream, open: string, depth: number): RegoTerm | Unread {
  if (open === "(") {
    const term = termOf(stream, depth + 1);
    return isUnread(term) || stream.take(")") ? term : unread("parentheses around more than a term");
  }
  if (open === "[") {
    const list = listOf(stream, "]", depth);
    return isUnread(list) ? list : { kind: "list", of: list.terms };
  }
  if (open === "{") return bracesOf(stream, depth);
  return unread(`\`${open}\` here`);
}

function listOf(
  stream: RegoStream,
  close: string,
  depth: number,
): { readonly terms: readonly RegoTerm[] } | Unread {
  const terms: RegoTerm[] = [];
  while (!stream.take(close)) {
    const term = termOf(stream, depth + 1);
    if (isUnread(term)) return term;
    terms.push(term);
    if (!stream.take(",") && stream.peek().text !== close)
      return unread(`a list with \`${stream.peek().text}\` in it`);
  }
  return { terms };
}

/** A set, or an object. `{}` is an object without members. */
function bracesOf(stream: RegoStream, depth: number): RegoTerm | Unread {
  const terms: RegoTerm[] = [];
  const members: (readonly [string, RegoTerm])[] = [];
  while (!stream.take("}")) {
    const element = elementOf(stream, depth);
    if (isUnread(element)) return element;
    if (element.name === undefined) terms.push(element.term);
    else members.push([element.name, element.term]);
    const { text } = stream.peek();
    if (!stream.take(",") && text !== "}") return unread(`braces with \`${text}\` in them`);
  }
  if (terms.length > 0 && members.length > 0) return unread("an object with values that have no name");
  return terms.length > 0 ? { kind: "list", of: terms } : { kind: "object", members };
}

interface Element {
  readonly name: string | undefined;
  readonly term: RegoTerm;
}

function elementOf(stream: RegoStream, depth: number): Element | Unread {
  const first = termOf(stream, depth + 1);
  if (isUnread(first)) return first;
  if (!stream.take(":")) return { name: undefined, term: first };
  const term = termOf(stream, depth + 1);
  if (isUnread(term)) return term;
  return first.kind === "constant"
    ? { name: String(first.value), term }
    : unread("an object whose names are not written out");
}
