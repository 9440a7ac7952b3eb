/** How is a Rego source read? The forms that policies of Trustee have; a body with anything else in it is marked, never guessed at. */
import { isUnread, type RegoStream, regoStream, type Unread, unread } from "./rego-stream.ts";
import { bodyOf, termOf } from "./rego-terms.ts";
import { regoTokens } from "./rego-tokens.ts";
import type { RegoBranch, RegoPolicy, RegoRule, RegoTerm } from "./rego-tree.ts";

const TRUE: RegoTerm = { kind: "constant", value: true };

/** Reads a policy. Total: what it does not read is told by line, in `opaque` or inside of a body. */
export function parseRego(source: string): RegoPolicy {
  const tokens = regoTokens(source);
  if ("badLine" in tokens) {
    return { rules: [], opaque: [{ line: tokens.badLine, why: "here stands no word of Rego" }] };
  }
  const stream = regoStream(tokens);
  const rules: RegoRule[] = [];
  const opaque: { line: number; why: string }[] = [];
  while (stream.peek().kind !== "end") {
    const { line } = stream.peek();
    if (skipHeader(stream)) continue;
    const rule = ruleOf(stream);
    if (isUnread(rule)) opaque.push({ line, why: rule.unread });
    else rules.push(rule);
  }
  return { rules, opaque };
}

/** `package policy`, `import rego.v1` and `import future.keywords…` say nothing about who is let in. */
function skipHeader(stream: RegoStream): boolean {
  const { text, kind } = stream.peek();
  if (kind !== "name" || (text !== "package" && text !== "import")) return false;
  do stream.next();
  while (!stream.peek().isFirst && stream.peek().kind !== "end");
  return true;
}

/** A rule whose name is read has a value that is unclear, where the rest of it is not read. */
function ruleOf(stream: RegoStream): RegoRule | Unread {
  const from = stream.mark();
  const isDefault = stream.peek().text === "default" && stream.peek(1).kind === "name";
  if (isDefault) stream.next();
  const { kind, text: name, line } = stream.next();
  if (kind === "name" && name !== "else") {
    const rule = restOf(stream, { name, line, isDefault });
    if (!isUnread(rule)) return rule;
    stream.skipRule(from);
    const value = { kind: "unclear", why: rule.unread } as const;
    return { name, line, isDefault, params: undefined, branches: [{ value, body: [] }] };
  }
  stream.skipRule(from);
  return unread("a rule that begins with no name");
}

function restOf(
  stream: RegoStream,
  { name, line, isDefault }: Pick<RegoRule, "name" | "line" | "isDefault">,
): RegoRule | Unread {
  const params = paramsOf(stream);
  if (isUnread(params)) return params;
  const first = branchOf(stream);
  if (isUnread(first)) return first;
  const branches = [first];
  while (stream.peek().text === "else" && stream.peek().kind === "name") {
    stream.next();
    const branch = branchOf(stream);
    if (isUnread(branch)) return branch;
    branches.push(branch);
  }
  const { isFirst, kind: after } = stream.peek();
  if (!isFirst && after !== "end") return unread(`something after the rule \`${name}\``);
  return { name, line, isDefault, params: params?.names, branches };
}

function paramsOf(stream: RegoStream): { readonly names: readonly string[] } | undefined | Unread {
  if (!stream.take("(")) return undefined;
  const names: string[] = [];
  while (!stream.take(")")) {
    const { kind, text } = stream.next();
    if (kind !== "name") return unread("a function over something else than names");
    names.push(text);
    if (stream.peek().text !== ")" && !stream.take(",")) return unread("a function whose names do not end");
  }
  return { names };
}

/** `:= VALUE if BODY`, `= VALUE BODY`, `if BODY`, `BODY`, and each part where it may be left out. */
function branchOf(stream: RegoStream): RegoBranch | Unread {
  const hasValue = stream.take(":=") || stream.take("=");
  const value = hasValue ? termOf(stream) : TRUE;
  if (isUnread(value)) return value;
  const isIf = stream.peek().kind === "name" && stream.take("if");
  if (!isIf && stream.peek().text !== "{")
    return hasValue ? { value, body: [] } : unread("a rule without a body");
  return { value, body: bodyOf(stream) };
}
