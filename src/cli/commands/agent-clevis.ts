/** `ostiary agent clevis encrypt|decrypt`: what the two programs of clevis's pin call. Standard input to standard output. */
import { utf8 } from "../../base/bytes.ts";
import type { JsonValue } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { hasShape, integer, optional, text } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { withSecrets } from "../agent-fetched.ts";
import { sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type FetchSecrets } from "../agent-session.ts";
import { noWords, oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import type { GetEdges } from "./agent-get.ts";

interface Released {
  readonly path: string;
  readonly version: number;
  readonly secret: Uint8Array;
}

export interface ClevisEdges extends AgentFileEdges {
  readonly fetchSecrets: FetchSecrets;
  readonly writeSecrets: GetEdges["writeSecrets"];
  readonly clevis: {
    readonly seal: (plaintext: Uint8Array, released: Released) => Promise<string>;
    /** @throws {@link Fault} `disk/bad-jwe`. */
    readonly secretOf: (jwe: Uint8Array) => Promise<Omit<Released, "secret">>;
    /** @throws {@link Fault} `disk/bad-jwe`. */
    readonly open: (jwe: Uint8Array, secret: Uint8Array) => Promise<Uint8Array>;
  };
}

export const CLEVIS_USAGE = `ostiary agent clevis encrypt '{"secret":"PATH"}' < PLAINTEXT > JWE
ostiary agent clevis decrypt < JWE > PLAINTEXT
`;

const MAX_INPUT_BYTES = 64 * 1024;

export async function runClevis(
  [verb, ...args]: readonly string[],
  edges: ClevisEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, AGENT_OPTIONS);
  if (verb !== "encrypt" && verb !== "decrypt")
    throw new Misuse("expected encrypt or decrypt after `clevis`");
  const wanted = verb === "encrypt" ? pinOf(oneWord(positionals, "CONFIG")) : undefined;
  if (verb === "decrypt") noWords(positionals);
  const options = await agentOptionsFor(values, edges, terminal);
  const input = await terminal.readFile("-", MAX_INPUT_BYTES);
  try {
    const want = wanted ?? itemOf(await edges.clevis.secretOf(input));
    await withSecrets(
      edges,
      { want: [want], options, onWait: sayTo(terminal) },
      async ({ secrets: [first] }) => {
        if (first === undefined) throw new Fault("channel/bad-release", "expected one secret, received none");
        const { secretId: path, version, secret } = first;
        if (wanted === undefined) await decrypt(input, secret, edges);
        else terminal.out(await edges.clevis.seal(input, { path, version, secret }));
      },
    );
    return 0;
  } finally {
    input.fill(0);
  }
}

async function decrypt(
  jwe: Uint8Array,
  secret: Uint8Array,
  { clevis, writeSecrets }: ClevisEdges,
): Promise<void> {
  const plaintext = await clevis.open(jwe, secret);
  try {
    await writeSecrets([plaintext], "raw", { fd: 1 });
  } finally {
    plaintext.fill(0);
  }
}

function itemOf({ path, version }: Omit<Released, "secret">) {
  return { secret: path, version };
}

const PIN = {
  secret: text(/^[A-Za-z0-9._/-]{1,512}$/),
  version: optional(integer(1, Number.MAX_SAFE_INTEGER)),
};

/** The pin's configuration, as `clevis luks bind` hands it on. @throws {@link Misuse}. */
function pinOf(config: string): { readonly secret: string; readonly version?: number } {
  const limits = { maxBytes: 4096, maxDepth: 2, code: "request/malformed" } as const;
  const value = parseStrictJson(utf8(config), limits);
  if (isPin(value)) return value;
  throw new Misuse('expected CONFIG as {"secret":"PATH"}: which broker to ask, the agent\'s own file says');
}

function isPin(value: JsonValue): value is { readonly secret: string; readonly version?: number } {
  return hasShape(value, PIN);
}
