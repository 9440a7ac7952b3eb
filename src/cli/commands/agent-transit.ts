/** `ostiary agent transit OPERATION PATH`: a key that stays at the broker, used from standard input to standard output. */

import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { madeOf, textOf } from "../../client/transit-made.ts";
import { TRANSIT_OPERATIONS, type TransitOperation } from "../../keys/transit-type.ts";
import type { TransitItem } from "../../wire/transit.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { type Place, placeOf, sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type AgentOptions, type SecretRequest } from "../agent-session.ts";
import { countOf, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

export interface TransitRequest {
  readonly path: string;
  readonly item: TransitItem;
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
}

export interface TransitEdges extends AgentFileEdges {
  /** @throws {@link Fault} the broker's no, `transit/not-opened` among them; what `FetchSecrets` throws. */
  readonly useTransit: (
    request: TransitRequest,
  ) => Promise<{ readonly decision: string; readonly results: readonly Uint8Array[] }>;
  readonly writeSecrets: (secrets: readonly Uint8Array[], format: "raw", place: Place) => Promise<void>;
}

export const TRANSIT_USAGE = `ostiary agent transit encrypt|decrypt|rewrap PATH [--context TEXT] [--file FILE]
ostiary agent transit datakey PATH --wrapped FILE [--size BYTES] [--context TEXT] [--fd N | --out FILE]
ostiary agent transit datakey PATH --wrapped-only [--size BYTES] [--context TEXT]
ostiary agent transit sign|hmac PATH [--padding pss|pkcs1] [--file FILE]
ostiary agent transit verify PATH --made TEXT [--padding pss|pkcs1] [--file FILE]
`;

const OPTIONS = {
  ...AGENT_OPTIONS,
  file: { type: "string" },
  fd: { type: "string" },
  out: { type: "string" },
  context: { type: "string" },
  padding: { type: "string" },
  size: { type: "string" },
  made: { type: "string" },
  wrapped: { type: "string" },
  "wrapped-only": { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];

const MAX_INPUT_BYTES = 128 * 1024;

/** What comes in is a plaintext, a message or a text, by FILE or standard input; never an argument. */
export async function runTransit(
  args: readonly string[],
  edges: TransitEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const { operation, path } = askedOf(positionals);
  refuseStray(operation, values);
  const place = givesPlaintext(operation, values) ? placeOf(values, terminal) : undefined;
  const options = await agentOptionsFor(values, edges, terminal);
  const input =
    operation === "datakey" ? utf8("") : await terminal.readFile(values.file ?? "-", MAX_INPUT_BYTES);
  try {
    const item = itemOf(operation, input, values);
    const done = await edges.useTransit({ path, item, options, onWait: sayTo(terminal) });
    try {
      return await given({ operation, values, place, ...done }, edges, terminal);
    } finally {
      for (const result of done.results) result.fill(0);
    }
  } finally {
    input.fill(0);
  }
}

function askedOf(words: readonly string[]): { readonly operation: TransitOperation; readonly path: string } {
  const [name, path] = words;
  const operation = TRANSIT_OPERATIONS.find((known) => known === name);
  if (operation !== undefined && path !== undefined && words.length === 2) return { operation, path };
  throw new Misuse(`expected one of ${TRANSIT_OPERATIONS.join(", ")}, then one PATH, after \`transit\``);
}

/** An option that an operation does not have would be taken for heeded. */
const KNOWN: Readonly<Record<TransitOperation, readonly (keyof typeof OPTIONS)[]>> = {
  encrypt: ["context", "file"],
  decrypt: ["context", "file", "fd", "out"],
  rewrap: ["context", "file"],
  datakey: ["context", "size", "wrapped", "wrapped-only", "fd", "out"],
  sign: ["padding", "file"],
  hmac: ["file"],
  verify: ["padding", "file", "made"],
};

const OWN = [
  "context",
  "file",
  "fd",
  "out",
  "size",
  "wrapped",
  "wrapped-only",
  "padding",
  "made",
  "version",
] as const;

function refuseStray(operation: TransitOperation, values: Values): void {
  const stray = OWN.find((name) => values[name] !== undefined && !KNOWN[operation].includes(name));
  if (stray !== undefined) throw new Misuse(`expected no --${stray} with \`${operation}\``);
}

function givesPlaintext(operation: TransitOperation, values: Values): boolean {
  return operation === "decrypt" || (operation === "datakey" && values["wrapped-only"] !== true);
}

function itemOf(operation: TransitOperation, input: Uint8Array, values: Values): TransitItem {
  const context = utf8(values.context ?? "");
  const padding = paddingOf(values.padding ?? "pss");
  switch (operation) {
    case "encrypt":
      return { operation, plaintext: input, context };
    case "decrypt":
    case "rewrap":
      return { operation, made: madeOf(parseUtf8(input) ?? ""), context };
    case "datakey":
      return { operation, context, ...dataKeyOf(values) };
    case "sign":
      return { operation, message: input, padding };
    case "hmac":
      return { operation, message: input };
    case "verify":
      if (values.made === undefined) throw new Misuse("expected --made TEXT: the signature or MAC");
      return { operation, message: input, made: madeOf(values.made), padding };
  }
}

/** The key has a place or stays at the broker, and its wrapped form is kept in either case. */
function dataKeyOf(values: Values): { readonly size: number; readonly isWrappedOnly: boolean } {
  const isWrappedOnly = values["wrapped-only"] === true;
  const named = [values.wrapped, values.fd, values.out].some((value) => value !== undefined);
  if (isWrappedOnly && named)
    throw new Misuse("expected --wrapped-only without a place: it prints the wrapped form");
  if (!isWrappedOnly && values.wrapped === undefined)
    throw new Misuse("expected --wrapped FILE: where the wrapped form goes");
  return { size: countOf(values.size ?? "32", "--size"), isWrappedOnly };
}

function paddingOf(word: string): "pss" | "pkcs1" {
  if (word === "pss" || word === "pkcs1") return word;
  throw new Misuse(`expected --padding pss or pkcs1, received \`${word}\``);
}

interface Done {
  readonly operation: TransitOperation;
  readonly values: Values;
  readonly place: Place | undefined;
  readonly decision: string;
  readonly results: readonly Uint8Array[];
}

/** Plaintext where it may go, a text to standard output, a verdict to the status. */
async function given(done: Done, edges: TransitEdges, terminal: Terminal): Promise<ExitStatus> {
  const { operation, values, place, results } = done;
  const [first = utf8(""), second = utf8("")] = results;
  if (values.wrapped !== undefined) await terminal.writeFile(values.wrapped, utf8(`${textOf(second)}\n`));
  if (place !== undefined) await edges.writeSecrets([first], "raw", place);
  if (operation === "verify") return verdictOf(first[0] === 1, done, terminal);
  const text = givesPlaintext(operation, values)
    ? undefined
    : textOf(operation === "datakey" ? second : first);
  if (values.json === true) terminal.out(`${canonicalJson({ decision: done.decision, text })}\n`);
  else if (text !== undefined) terminal.out(`${text}\n`);
  return 0;
}

function verdictOf(isGood: boolean, { values, decision }: Done, terminal: Terminal): ExitStatus {
  if (values.json === true) terminal.out(`${canonicalJson({ decision, verified: isGood })}\n`);
  else
    terminal.err(
      `ostiary: ${isGood ? "made by this key" : "not made by this key, or over another message"}\n`,
    );
  return isGood ? 0 : 1;
}
