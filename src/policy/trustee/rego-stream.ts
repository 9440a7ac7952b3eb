/** Where does the reader of a Rego source stand? Its tokens, looked at from the front. */
import type { RegoToken } from "./rego-tokens.ts";

/** What is not read, in words; its line is that of whatever holds it. */
export interface Unread {
  readonly unread: string;
}

export function unread(what: string): Unread {
  return { unread: what };
}

export function isUnread(read: object | undefined): read is Unread {
  return read !== undefined && "unread" in read;
}

export interface RegoStream {
  readonly peek: (ahead?: number) => RegoToken;
  readonly next: () => RegoToken;
  /** Whether the next is this sign or word; then it is taken. A string is none. */
  readonly take: (text: string) => boolean;
  /** Where it stands; and goes to the rule after the one that begins there, whatever is in it. */
  readonly mark: () => number;
  readonly skipRule: (from: number) => void;
  /** What stands in the braces that open here, or else up to the next rule, as a stream of its own. This one goes on behind it. */
  readonly body: () => RegoStream;
}

const END: RegoToken = { kind: "end", text: "", line: 0, isFirst: true, isAtMargin: true };

export function regoStream(tokens: readonly RegoToken[]): RegoStream {
  let at = 0;
  const last = tokens.at(-1) ?? END;
  const end: RegoToken = { ...END, line: last.line };
  const peek = (ahead = 0): RegoToken => tokens[at + ahead] ?? end;
  const next = (): RegoToken => {
    const token = peek();
    at += 1;
    return token;
  };
  const isEnd = (): boolean => peek().kind === "end";
  const isRule = (): boolean => peek().isAtMargin && peek().kind === "name" && peek().text !== "else";
  /** Up to a place outside of all brackets where it is done. */
  const skip = (isDone: () => boolean): void => {
    let open = 0;
    do open += depthOf(next());
    while (!isEnd() && (open > 0 || !isDone()));
  };
  return {
    peek,
    next,
    take: (text) => {
      if (peek().text !== text || peek().kind === "string" || isEnd()) return false;
      at += 1;
      return true;
    },
    mark: () => at,
    skipRule: (from) => {
      at = from;
      skip(isRule);
    },
    body: () => {
      const from = at;
      const isBraced = peek().kind === "sign" && peek().text === "{";
      if (isBraced) skip(() => true);
      else if (!isRule()) skip(() => peek().isAtMargin && peek().kind === "name");
      return regoStream(isBraced ? tokens.slice(from + 1, at - 1) : tokens.slice(from, at));
    },
  };
}

function depthOf({ kind, text }: RegoToken): number {
  if (kind !== "sign") return 0;
  if ("([{".includes(text)) return 1;
  return ")]}".includes(text) ? -1 : 0;
}
