/** `ostiary agent rekey`: a disk gets the newest version of its secret, and loses the one before. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { sentenceOf } from "../agent-fetched.ts";
import { sayTo } from "../agent-place.ts";
import {
  AGENT_OPTIONS,
  type AgentOptions,
  type FetchedSecrets,
  type SecretRequest,
} from "../agent-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

interface RekeyReport {
  readonly device: string;
  readonly uuid: string;
  readonly secret: string;
  readonly version: number;
  readonly retired: readonly number[];
}

export interface RekeyRequest {
  readonly plan: { readonly device: string; readonly secret: string; readonly integrity: boolean };
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
  /** Told of each release, and never the secret's to keep. */
  readonly onRelease: (fetched: FetchedSecrets) => void;
}

export interface RekeyEdges extends AgentFileEdges {
  /** @throws {@link Fault} `disk/…`, and what `FetchSecrets` throws. */
  readonly rekeyVolume: (request: RekeyRequest) => Promise<RekeyReport>;
}

export const REKEY_USAGE = "ostiary agent rekey --device DEVICE --secret PATH [--integrity hmac-sha256]\n";

const OPTIONS = {
  ...AGENT_OPTIONS,
  device: { type: "string" },
  secret: { type: "string" },
  integrity: { type: "string" },
} as const;

export async function runRekey(
  args: readonly string[],
  edges: RekeyEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const { device, secret, integrity, version, json, ...rest } = values;
  if (device === undefined || device === "") throw new Misuse("expected --device DEVICE");
  if (secret === undefined) throw new Misuse("expected --secret PATH");
  if (version !== undefined) throw new Misuse("expected no --version: it is the newest that is released");
  if (integrity !== undefined && integrity !== "hmac-sha256")
    throw new Misuse("expected --integrity hmac-sha256");
  const report = await edges.rekeyVolume({
    plan: { device, secret, integrity: integrity !== undefined },
    options: await agentOptionsFor(rest, edges, terminal),
    onWait: sayTo(terminal),
    onRelease: (fetched) => {
      if (json !== true) terminal.err(sentenceOf(fetched));
    },
  });
  if (json === true) terminal.out(`${canonicalJson({ ...report })}\n`);
  else terminal.err(sentencesOf(report));
  return 0;
}

function sentencesOf({ device, version, retired }: RekeyReport): string {
  const gone = retired.length === 0 ? "nothing was to be done" : `version ${retired.join(", ")} does no more`;
  return `ostiary: ${device}: version ${version} opens it; ${gone}\n`;
}
