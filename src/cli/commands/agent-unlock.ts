/** `ostiary agent unlock`: a secret to cryptsetup, on its standard input. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { factsOf, sentenceOf, withSecrets } from "../agent-fetched.ts";
import { sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type FetchSecrets, wantedOf } from "../agent-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

type Volume =
  | { readonly device: string; readonly name: string }
  | { readonly device: string; readonly isTest: true };

export interface UnlockEdges extends AgentFileEdges {
  readonly fetchSecrets: FetchSecrets;
  readonly unlock: (key: Uint8Array, volume: Volume) => Promise<"unlocked" | "wrong-key">;
}

export const UNLOCK_USAGE = `ostiary agent unlock --device DEVICE --name NAME --secret PATH
ostiary agent unlock --device DEVICE --test-passphrase --secret PATH
`;

export async function runUnlock(
  args: readonly string[],
  edges: UnlockEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...AGENT_OPTIONS,
    device: { type: "string" },
    name: { type: "string" },
    secret: { type: "string" },
    "test-passphrase": { type: "boolean" },
  });
  noWords(positionals);
  const volume = volumeOf(values);
  if (values.secret === undefined) throw new Misuse("expected --secret PATH");
  const want = wantedOf([values.secret], values.version);
  const request = { want, options: await agentOptionsFor(values, edges, terminal), onWait: sayTo(terminal) };
  return withSecrets(edges, request, async (fetched) => {
    const [first] = fetched.secrets;
    const outcome = first === undefined ? "wrong-key" : await edges.unlock(first.secret, volume);
    const { device } = volume;
    if (values.json === true) terminal.out(`${canonicalJson({ ...factsOf(fetched), device, outcome })}\n`);
    else terminal.err(`${sentenceOf(fetched)}ostiary: ${device}: ${SENTENCES[outcome]}\n`);
    return outcome === "unlocked" ? 0 : 1;
  });
}

const SENTENCES = {
  unlocked: "the key opens it",
  "wrong-key": "the released key does not open it; look at the key slots with `cryptsetup luksDump`",
} as const;

function volumeOf(values: {
  device?: string | undefined;
  name?: string | undefined;
  "test-passphrase"?: boolean | undefined;
}): Volume {
  const { device, name } = values;
  if (device === undefined || device === "") throw new Misuse("expected --device DEVICE");
  if (values["test-passphrase"] === true) return { device, isTest: true };
  if (name !== undefined && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$/.test(name)) return { device, name };
  throw new Misuse("expected --name NAME of letters, digits, `_`, `.` and `-`, or --test-passphrase");
}
