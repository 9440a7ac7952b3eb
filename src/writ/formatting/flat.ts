/** How do tokens look on one line? Their canonical spelling and the blanks between them (WRIT section 15). */
import type { Token } from "../syntax/tokens.ts";

const BEFORE_LIST: ReadonlySet<string> = new Set(["in", "within", "bits"]);
const BEFORE_PARENTHESIS: ReadonlySet<string> = new Set(["not", "and", "or", "when", "require"]);
const CLOSING: ReadonlySet<string> = new Set(["}", "]", ")"]);

/** Tokens as one line: no comma before a closing mark, hex in lower case without separators. */
export function flatText(tokens: readonly Token[]): string {
  let text = "";
  let before: Token | undefined;
  for (const [at, token] of tokens.entries()) {
    const next = tokens[at + 1];
    if (isMark(token, ",") && next !== undefined && next.kind === "mark" && CLOSING.has(next.text)) continue;
    text += (before === undefined || isTight(before, token, tokens[at - 2]) ? "" : " ") + spelled(token);
    before = token;
  }
  return text;
}

/** How many columns a line takes: code points. */
export function widthOf(line: string): number {
  let width = 0;
  for (const _ of line) width += 1;
  return width;
}

export function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === "mark" && token.text === text;
}

/** Whether a `[` opens a list, and not an index or the label of an entry. */
export function opensList(before: Token | undefined, token: Token): boolean {
  return (
    isMark(token, "[") && (before === undefined || before.kind !== "word" || BEFORE_LIST.has(before.text))
  );
}

function spelled(token: Token): string {
  return token.kind === "hex" ? `hex"${token.value}"` : token.text;
}

/** Whether nothing stands between two tokens. */
function isTight(before: Token, token: Token, beforeThat: Token | undefined): boolean {
  if (before.kind === "mark" && (before.text === "." || before.text === "(" || before.text === "["))
    return true;
  if (token.kind !== "mark") return false;
  switch (token.text) {
    case ",":
    case ".":
    case ")":
    case "]":
      return true;
    case "}":
      return isMark(before, "{");
    case "[":
      return !opensList(before, token);
    case "(":
      return before.kind === "word" && isCall(before, beforeThat);
    default:
      return false;
  }
}

/** `use name(…)` and `template name(…)`; every other parenthesis groups a condition. */
function isCall(before: Token, beforeThat: Token | undefined): boolean {
  const isNamed =
    beforeThat?.kind === "word" && (beforeThat.text === "use" || beforeThat.text === "template");
  return isNamed || !BEFORE_PARENTHESIS.has(before.text);
}
