/** Which reference values and floors does the text declare? `refset` and `floor` blocks. */

import { report } from "../diagnostics/findings.ts";
import type { VersionFact } from "../facts.ts";
import type { EntryState } from "../program.ts";
import type { EntryItem, FloorItem, Meta, RefsetItem, RowItem, WindowClause } from "./ast.ts";
import {
  acceptWord,
  type Cursor,
  expectMark,
  expectWord,
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
import { parseBytes, parseField, parseTcb, parseWindow } from "./parse-literal.ts";
import { META_WORDS, parseMeta } from "./parse-rules.ts";
import { CAPS, type Token } from "./tokens.ts";

/** A reference set; the keyword is next. */
export function parseRefset(cursor: Cursor): RefsetItem {
  const word = take(cursor);
  const name = parseName(cursor, "the name of the reference set");
  expectWord(cursor, "of");
  const field = parseField(cursor);
  const headSpan = spanFrom(cursor, word.start);
  const meta: Meta[] = [];
  const entries: EntryItem[] = [];
  const isBroken = parseBlock(cursor, {
    item: () => {
      if (isMeta(peek(cursor))) meta.push(parseMeta(cursor));
      else entries.push(parseEntry(cursor));
    },
    isItemStart: () => peek(cursor).kind === "string" && isMark(peek(cursor, 1), "="),
  });
  reportSize(cursor, { name, entries, isBroken });
  const span = spanFrom(cursor, word.start);
  return { kind: "refset", name, field, meta, entries, headSpan, span, isBroken };
}

function isMeta(token: Token): boolean {
  return token.kind === "word" && META_WORDS.has(token.text);
}

function reportSize(cursor: Cursor, set: Pick<RefsetItem, "name" | "entries" | "isBroken">): void {
  const { span, text } = set.name;
  if (set.entries.length > CAPS.entries) {
    const message = `a reference set has at most ${CAPS.entries} entries, \`${text}\` has ${set.entries.length}`;
    report(cursor.findings, { code: "E0012", span, message });
  }
  if (set.entries.length === 0 && !set.isBroken) {
    const message = `reference set \`${text}\` is empty`;
    report(cursor.findings, { code: "E0104", span, message, label: "nothing in here" });
  }
}

function parseEntry(cursor: Cursor): EntryItem {
  const label = parseText(cursor, "an entry, which begins with its label in quotes");
  expectMark(cursor, "=");
  const value = parseBytes(cursor);
  const attributes = parseAttributes(cursor);
  return { label, value, ...attributes, span: spanFrom(cursor, label.span.start) };
}

interface Attributes {
  version?: VersionFact;
  vcpus?: number;
  valid?: WindowClause;
  state?: EntryState;
  source?: string;
}

type AttributeReader = (cursor: Cursor, into: Attributes) => void;

const ATTRIBUTES: ReadonlyMap<string, AttributeReader> = new Map<string, AttributeReader>([
  ["version", readVersion],
  ["vcpus", readVcpus],
  ["valid", readValid],
  ["state", readState],
  ["source", readSource],
]);

function parseAttributes(cursor: Cursor): Attributes {
  const attributes: Attributes = {};
  const seen = new Set<string>();
  for (let token = peek(cursor); token.kind === "word" && !isMeta(token); token = peek(cursor)) {
    const read = ATTRIBUTES.get(token.text);
    if (read === undefined) {
      stopExpecting(cursor, "E0100", "`version`, `vcpus`, `valid`, `state`, `source` or the next entry");
    }
    if (seen.has(token.text)) reportTwice(cursor, token);
    seen.add(token.text);
    cursor.at += 1;
    read(cursor, attributes);
  }
  return attributes;
}

function reportTwice(cursor: Cursor, token: Token): never {
  const span = { start: token.start, end: token.end };
  const message = `this entry has \`${token.text}\` twice`;
  stop(cursor, { code: "E0331", span, message, label: "given before" });
}

function readVersion(cursor: Cursor, into: Attributes): void {
  const token = peek(cursor);
  if (token.kind !== "version") stopExpecting(cursor, "E0102", "a version: `5.1.0`");
  cursor.at += 1;
  into.version = token.value;
}

function readVcpus(cursor: Cursor, into: Attributes): void {
  const token = peek(cursor);
  if (token.kind !== "int") stopExpecting(cursor, "E0102", "a number of vCPUs");
  cursor.at += 1;
  if (token.value === 0 || token.value > 0xffff) {
    const span = { start: token.start, end: token.end };
    report(cursor.findings, {
      code: "E0204",
      span,
      message: "a guest has 1 to 65535 vCPUs",
      label: "out of range",
    });
  }
  into.vcpus = token.value;
}

function readValid(cursor: Cursor, into: Attributes): void {
  const { start } = cursor.tokens[cursor.at - 1] ?? peek(cursor);
  const window = parseWindow(cursor);
  into.valid = { ...window, span: { start, end: window.span.end } };
}

function readState(cursor: Cursor, into: Attributes): void {
  const { text } = peek(cursor);
  if (!isWord(peek(cursor), "active", "retiring", "revoked")) {
    stopExpecting(cursor, "E0102", "`active`, `retiring` or `revoked`");
  }
  cursor.at += 1;
  into.state = text === "retiring" || text === "revoked" ? text : "active";
}

function readSource(cursor: Cursor, into: Attributes): void {
  into.source = parseText(cursor, "where the value comes from, in quotes").value;
}

/** A floor; the keyword is next. */
export function parseFloor(cursor: Cursor): FloorItem {
  const word = take(cursor);
  const name = parseName(cursor, "the name of the floor");
  const headSpan = spanFrom(cursor, word.start);
  const meta: Meta[] = [];
  const rows: RowItem[] = [];
  const isBroken = parseBlock(cursor, {
    item: () => {
      if (isMeta(peek(cursor))) meta.push(parseMeta(cursor));
      else rows.push(parseRow(cursor));
    },
    isItemStart: () => peek(cursor).startsLine && isRowStart(cursor),
  });
  if (rows.length === 0 && !isBroken) {
    const message = `floor \`${name.text}\` is empty`;
    report(cursor.findings, { code: "E0104", span: name.span, message, label: "nothing in here" });
  }
  return { kind: "floor", name, meta, rows, headSpan, span: spanFrom(cursor, word.start), isBroken };
}

function isRowStart(cursor: Cursor): boolean {
  const next = peek(cursor, 1);
  return peek(cursor).kind === "word" && (isMark(next, "{") || isWord(next, "refuse"));
}

function parseRow(cursor: Cursor): RowItem {
  const name = parseName(cursor, "a row, which begins with a product or silicon");
  const least = acceptWord(cursor, "refuse") ? undefined : parseTcb(cursor);
  return { name, least, span: spanFrom(cursor, name.span.start) };
}
