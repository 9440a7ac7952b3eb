/** What does a template say? Text with secrets in it, and nothing else: no loops, no conditions, no functions. */
import { concatBytes, utf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { isSecretPath } from "../wire/resource-path.ts";
import { type SecretFormat, secretFormatOf } from "./secret-format.ts";

/** Text that stays, or a secret that takes its place. */
export type TemplatePart = string | SecretPlace;

export interface SecretPlace {
  readonly path: string;
  readonly format: SecretFormat;
}

const ACTION = /^\s*secret\s+"(?<path>[^"]+)"(?:\s+"(?<format>[^"]+)")?\s*$/;
/** What stands for two braces themselves. */
const BRACES = /^\s*"\{\{"\s*$/;

/**
 * Reads `{{ secret "PATH" }}` and `{{ secret "PATH" "FORMAT" }}`; `{{ "{{" }}` is two braces.
 *
 * @throws {@link Fault} `config/invalid`, with the line.
 */
export function parseTemplate(text: string): readonly TemplatePart[] {
  const parts: TemplatePart[] = [];
  let rest = text;
  for (;;) {
    const from = rest.indexOf("{{");
    if (from < 0) break;
    const to = rest.indexOf("}}", from);
    const line = lineAt(text, text.length - rest.length + from);
    if (to < 0) throw invalid(line, "`}}` after `{{`");
    parts.push(rest.slice(0, from), actionOf(rest.slice(from + 2, to), line));
    rest = rest.slice(to + 2);
  }
  return [...parts, rest].filter((part) => part !== "");
}

function actionOf(text: string, line: number): TemplatePart {
  if (BRACES.test(text)) return "{{";
  const { path = "", format: word = "raw" } = ACTION.exec(text)?.groups ?? {};
  const format = secretFormatOf(word);
  if (!isSecretPath(path)) throw invalid(line, '`{{ secret "PATH" "FORMAT" }}`');
  if (format === undefined) throw invalid(line, "the format raw, hex, base64 or json:NAME");
  return { path, format };
}

function lineAt(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}

function invalid(line: number, expected: string): Fault {
  return new Fault("config/invalid", `the template: expected ${expected} in line ${line}`, { line });
}

/**
 * Puts secrets into their places.
 *
 * @param inPlace - Each secret in its form; every copy that it gives is overwritten.
 */
export function rendered(
  parts: readonly TemplatePart[],
  inPlace: (place: SecretPlace) => Uint8Array,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  try {
    for (const part of parts) pieces.push(typeof part === "string" ? utf8(part) : inPlace(part));
    return concatBytes(...pieces);
  } finally {
    for (const piece of pieces) piece.fill(0);
  }
}
