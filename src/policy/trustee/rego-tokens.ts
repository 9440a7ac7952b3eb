/** Which words does a Rego source have, and on which line? As many of its tokens as policies of Trustee use. */

export type RegoToken = {
  readonly kind: "name" | "string" | "number" | "sign" | "end";
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** Whether it is the first of its line, and at its very beginning. */
  readonly isFirst: boolean;
  readonly isAtMargin: boolean;
};

const BLANK = /(?:[ \t\r\n]|#[^\n]*)*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const QUOTED = /"(?:[^"\\\n]|\\.)*"/y;
const RAW = /`[^`]*`/y;
const SIGN = /:=|==|!=|<=|>=|[{}[\]().,;:=<>|&+*/%-]/y;

/** The tokens, ended by one of kind `end`; the line of what is no token at all instead. Total. */
export function regoTokens(source: string): readonly RegoToken[] | { readonly badLine: number } {
  const tokens: RegoToken[] = [];
  let at = 0;
  let line = 1;
  let tokenLine = 0;
  for (;;) {
    const blank = matchAt(BLANK, source, at);
    line += linesIn(blank);
    at += blank.length;
    const place = {
      line,
      isFirst: line !== tokenLine,
      isAtMargin: at === 0 || source[at - 1] === "\n",
    };
    if (at === source.length) return [...tokens, { kind: "end", text: "", ...place }];
    const found = tokenAt(source, at);
    if (found === undefined) return { badLine: line };
    tokens.push({ kind: found.kind, text: found.text, ...place });
    at += found.length;
    line += linesIn(source.slice(at - found.length, at));
    tokenLine = line;
  }
}

interface Found {
  readonly kind: RegoToken["kind"];
  readonly text: string;
  readonly length: number;
}

function tokenAt(source: string, at: number): Found | undefined {
  const raw = matchAt(RAW, source, at);
  if (raw !== "") return { kind: "string", text: raw.slice(1, -1), length: raw.length };
  const quoted = matchAt(QUOTED, source, at);
  if (quoted !== "") return quotedText(quoted);
  for (const [kind, pattern] of PLAIN) {
    const text = matchAt(pattern, source, at);
    if (text !== "") return { kind, text, length: text.length };
  }
  return undefined;
}

const PLAIN = [
  ["name", NAME],
  ["number", NUMBER],
  ["sign", SIGN],
] as const;

/** A string in Rego is one of JSON. */
function quotedText(quoted: string): Found | undefined {
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === "string" ? { kind: "string", text, length: quoted.length } : undefined;
  } catch {
    return undefined;
  }
}

function matchAt(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? "";
}

function linesIn(text: string): number {
  return text.split("\n").length - 1;
}
