/** Where is a token? Tokens in the order of a text, found by offset. */
import type { Span } from "../diagnostics/diagnostic.ts";
import type { Token } from "../syntax/tokens.ts";

export type TokenList = readonly Token[];

/** Index of the first token, or comment, at or after an offset. */
export function indexAt(tokens: readonly Span[], offset: number): number {
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? 0) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The tokens within a span. */
export function tokensWithin(tokens: TokenList, { start, end }: Span): TokenList {
  return tokens.slice(indexAt(tokens, start), indexAt(tokens, end));
}
