/** What does a release cost or demand? The obligations of an `on release` block. */

import { advice, fix, isSaturated } from "../diagnostics/findings.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { KeyVersionItem, Name, ObligationItem, Text } from "./ast.ts";
import {
  acceptWord,
  type Cursor,
  expectMark,
  expectWord,
  isItemWord,
  isMark,
  isWord,
  parseBlock,
  parseName,
  parseText,
  peek,
  spanFrom,
  stop,
  stopExpecting,
  take,
} from "./cursor.ts";
import { parseField, parseLiteral } from "./parse-literal.ts";
import type { Token } from "./tokens.ts";

/** `{ obligation … }`. */
export function parseRelease(cursor: Cursor): { readonly obligations: readonly ObligationItem[] } {
  const obligations: ObligationItem[] = [];
  parseBlock(cursor, {
    item: () => obligations.push(parseObligation(cursor)),
    isItemStart: () => isItemWord(cursor, OBLIGATION_NAMES),
  });
  return { obligations };
}

/** One obligation; its name is next. */
export function parseObligation(cursor: Cursor): ObligationItem {
  const name = parseName(cursor, "an obligation");
  const read = READERS.get(name.text);
  if (read === undefined) stopUnknown(cursor, name);
  return read(cursor, name);
}

function stopUnknown(cursor: Cursor, name: Name): never {
  const names = [...READERS.keys()];
  const meant = isSaturated(cursor.findings) ? undefined : nearest(name.text, names);
  stop(cursor, {
    code: "E0501",
    span: name.span,
    message: `unknown obligation \`${name.text}\``,
    label: "a release has no such obligation",
    helps:
      meant === undefined
        ? advice(`obligations are ${names.join(", ")}`)
        : fix(`did you mean \`${meant}\`?`, name.span, meant),
  });
}

type ObligationReader = (cursor: Cursor, name: Name) => ObligationItem;

const READERS: ReadonlyMap<string, ObligationReader> = new Map<string, ObligationReader>([
  ["token_ttl", readDuration("token_ttl")],
  ["max_releases", readMaxReleases],
  ["rate", readRate],
  ["wrap", readWrap],
  ["key_version", readKeyVersion],
  ["reattest", readReattest],
  ["approvals_expire", readDuration("approvals_expire")],
  ["notify", readNotify],
  ["audit", readAudit],
]);
const OBLIGATION_NAMES: ReadonlySet<string> = new Set(READERS.keys());

function readDuration(kind: "token_ttl" | "approvals_expire"): ObligationReader {
  return (cursor, name) => {
    const duration = parseLiteral(cursor);
    return { kind, name, duration, span: spanFrom(cursor, name.span.start) };
  };
}

function readReattest(cursor: Cursor, name: Name): ObligationItem {
  expectWord(cursor, "every");
  const duration = parseLiteral(cursor);
  return { kind: "reattest", name, duration, span: spanFrom(cursor, name.span.start) };
}

function readMaxReleases(cursor: Cursor, name: Name): ObligationItem {
  const limit = parseLiteral(cursor);
  expectWord(cursor, "per");
  const per = parseField(cursor);
  const within = acceptWord(cursor, "within") ? parseLiteral(cursor) : undefined;
  const span = spanFrom(cursor, name.span.start);
  return { kind: "max_releases", name, limit, per, span, ...(within === undefined ? {} : { within }) };
}

function readRate(cursor: Cursor, name: Name): ObligationItem {
  const limit = parseLiteral(cursor);
  expectWord(cursor, "per");
  const per = parseLiteral(cursor);
  return { kind: "rate", name, limit, per, span: spanFrom(cursor, name.span.start) };
}

function readWrap(cursor: Cursor, name: Name): ObligationItem {
  const wrap = parseName(cursor, "a wrap");
  return { kind: "wrap", name, wrap, span: spanFrom(cursor, name.span.start) };
}

function readKeyVersion(cursor: Cursor, name: Name): ObligationItem {
  const version = parseKeyVersion(cursor, peek(cursor));
  return { kind: "key_version", name, version, span: spanFrom(cursor, name.span.start) };
}

function parseKeyVersion(cursor: Cursor, token: Token): KeyVersionItem {
  if (isMark(token, ">=")) {
    expectMark(cursor, ">=");
    return { atLeast: parseLiteral(cursor) };
  }
  if (!isWord(token, "current", "any")) stopExpecting(cursor, "E0102", "`current`, `any` or `>= n`");
  cursor.at += 1;
  return token.text === "any" ? "any" : "current";
}

function readNotify(cursor: Cursor, name: Name): ObligationItem {
  const names: Text[] = [parseText(cursor, "whom to notify, in quotes")];
  while (peek(cursor).kind === "string") names.push(parseText(cursor, "a name"));
  return { kind: "notify", name, names, span: spanFrom(cursor, name.span.start) };
}

function readAudit(cursor: Cursor, name: Name): ObligationItem {
  if (!isWord(peek(cursor), "full", "summary")) stopExpecting(cursor, "E0102", "`full` or `summary`");
  const level = take(cursor).text === "summary" ? "summary" : "full";
  return { kind: "audit", name, level, span: spanFrom(cursor, name.span.start) };
}
