/** Do tests and assertions name what there is, in values that fit? Checked like the policies that they are about. */
import type { DecisionCode } from "../decision.ts";
import { parsePattern } from "../patterns.ts";
import type { AssertItem, Expectation, Name, TestItem } from "../syntax/ast.ts";
import type { Assertion, Because, DeclarationName, Expected, Start, TestCase } from "../test-case.ts";
import { conditionOf } from "./conditions.ts";
import { boundOf, type Desk, namesOfKind, originOf, sourceText, suggestion, tell, whereOf } from "./desk.ts";
import { ALL_PRESENT } from "./presence.ts";
import { settingOf } from "./settings.ts";
import { termOf } from "./terms.ts";

const CODES: readonly DecisionCode[] = [
  "no-policy",
  "require-failed",
  "denied",
  "guard-failed",
  "revoked",
  "no-allow",
  "counter",
  "evidence",
  "internal",
];

/** The test; `undefined` when something in it was reported. */
export function testOf(desk: Desk, item: TestItem): TestCase | undefined {
  const of = item.of.map((name) => declarationOf(desk, name));
  const start = startOf(desk, item);
  const settings = item.settings.map((setting) => settingOf(desk, setting));
  const expect = expectedOf(desk, item.expect);
  const isWhole = of.every(isThere) && settings.every(isThere) && expect !== undefined && start !== "broken";
  if (!isWhole) return undefined;
  return {
    title: item.title.value,
    at: whereOf(desk, item.span.start),
    origin: originOf(desk, item.title.span),
    of: of.filter(isThere),
    settings: settings.filter(isThere),
    expect,
    ...(start === undefined ? {} : { start }),
  };
}

/** Two tests of one title in a file: which one `like` means could not be said. */
export function reportTwins(desk: Desk, items: readonly TestItem[]): void {
  const seen = new Set<string>();
  for (const { title } of items) {
    if (seen.has(title.value)) {
      const message = `this file has two tests called "${title.value}"`;
      tell(desk, { code: "E0405", span: title.span, message, label: "a second one" });
    }
    seen.add(title.value);
  }
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** A policy or guard in reach. */
function declarationOf(desk: Desk, name: Name): DeclarationName | undefined {
  const { bound } = boundOf(desk, name);
  if (bound !== undefined && (bound.item.kind === "policy" || bound.item.kind === "guard")) {
    return { module: bound.home.module, name: name.text };
  }
  const known = [...namesOfKind(desk, "policy"), ...namesOfKind(desk, "guard")];
  tell(desk, {
    code: "E0902",
    span: name.span,
    message: `there is no policy or guard \`${name.text}\` here`,
    label: bound === undefined ? "neither declared nor imported" : `a ${bound.item.kind}`,
    helps: suggestion(desk, name, known),
  });
  return undefined;
}

function startOf(desk: Desk, { start }: TestItem): Start | undefined | "broken" {
  if (start === undefined) return undefined;
  if (start.kind !== "ordinary") {
    const origin = originOf(desk, start.from.span);
    return start.kind === "like"
      ? { kind: "like", title: start.from.value, origin }
      : { kind: "report", path: start.from.value, origin };
  }
  const { product } = start;
  const products = Object.keys(desk.table.vocabulary.ordinary);
  if (products.includes(product.text)) return { kind: "ordinary", product: product.text };
  tell(desk, {
    code: "E0304",
    span: product.span,
    message: `\`${product.text}\` has no ordinary request`,
    label: `expected one of: ${products.join(", ")}`,
    helps: suggestion(desk, product, products),
  });
  return "broken";
}

function expectedOf(desk: Desk, expectation: Expectation): Expected | undefined {
  const origin = originOf(desk, expectation.span);
  if (expectation.kind === "deny") {
    if (expectation.because === undefined) return { outcome: "deny", origin };
    const because = becauseOf(desk, expectation.because);
    return because === undefined ? undefined : { outcome: "deny", because, origin };
  }
  const terms = expectation.obligations.map((one) => termOf(desk, one, ALL_PRESENT));
  if (!terms.every(isThere)) return undefined;
  const { by } = expectation;
  return { outcome: "allow", terms, origin, ...(by === undefined ? {} : { by: by.value }) };
}

type Written = NonNullable<Extract<Expectation, { readonly kind: "deny" }>["because"]>;

function becauseOf(desk: Desk, because: Written): Because | undefined {
  if ("value" in because) return { text: because.value };
  const { code, set, label } = because;
  const known = CODES.find((one) => one === code.text);
  if (known === undefined) {
    tell(desk, {
      code: "E0304",
      span: code.span,
      message: `\`${code.text}\` is not a reason of a refusal`,
      label: `expected a sentence in quotes, or one of: ${CODES.join(", ")}`,
      helps: suggestion(desk, code, CODES),
    });
    return undefined;
  }
  return set === undefined || label === undefined
    ? { code: known }
    : { code: known, set: set.text, label: label.value };
}

/** The assertion; `undefined` when something in it was reported. */
export function assertionOf(desk: Desk, item: AssertItem): Assertion | undefined {
  const where = {
    at: whereOf(desk, item.span.start),
    origin: originOf(desk, item.span),
    text: sourceText(desk, item.span),
  };
  if (item.claim === "never") return neverOf(desk, item, where);
  const left = declarationOf(desk, item.left);
  if (item.claim === "satisfiable") {
    return left === undefined ? undefined : { ...where, claim: item.claim, left };
  }
  const right = declarationOf(desk, item.right);
  if (left === undefined || right === undefined) return undefined;
  return { ...where, claim: item.claim, left, right };
}

function neverOf(
  desk: Desk,
  { condition, pattern }: Extract<AssertItem, { readonly claim: "never" }>,
  where: Pick<Assertion, "at" | "origin" | "text">,
): Assertion | undefined {
  const checked = conditionOf(condition, { desk, rule: "deny", present: ALL_PRESENT });
  const reading = parsePattern(pattern.value);
  if (reading.kind === "bad") {
    tell(desk, { code: "E0204", span: pattern.span, message: reading.why, label: "no pattern" });
    return undefined;
  }
  if (checked === undefined) return undefined;
  return { ...where, claim: "never", condition: checked, pattern: reading.pattern };
}
