/** `ostiary agent …`: the guest's side. A secret goes to a descriptor, a file in tmpfs or cryptsetup, and nowhere else. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { formatInstant } from "../../base/time.ts";
import { type Place, placeOf, sayTo } from "../agent-place.ts";
import {
  AGENT_OPTIONS,
  AGENT_USAGE,
  agentOptionsOf,
  type FetchedSecrets,
  type FetchSecrets,
  type ProvenBroker,
  type SecretRequest,
  wantedOf,
} from "../agent-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { type ConfirmUse, runConfirm } from "./agent-confirm.ts";
import { type GiveBack, runGiveBack } from "./agent-give-back.ts";
import { runToken, type TokenEdges } from "./agent-token.ts";

const USAGE = `ostiary agent get PATH… [--fd N | --out FILE] [--format raw|hex|base64]
ostiary agent token AUD --key-out FILE | --public-key FILE | --no-key [--fd N | --out FILE]
ostiary agent confirm PATH --version N [--also REPORT_ID]…
ostiary agent give-back PATH --fence N
ostiary agent unlock --device DEVICE --name NAME --secret PATH
ostiary agent unlock --device DEVICE --test-passphrase --secret PATH

get writes to file descriptor N (1 where standard output is no terminal), or to FILE, which must be in tmpfs. Several
secrets need hex or base64, one line each. token writes a JWT for AUD there, bound to a key: a new one, which goes to
FILE in tmpfs (PKCS#8 PEM), or one whose public half is in FILE (PEM); --no-key is for audiences that the broker registered
as bearer. For the broker's own audience it is the attestation result. unlock gives the secret to cryptsetup on its standard input and opens DEVICE as
/dev/mapper/NAME; --test-passphrase only tries it. confirm tells the broker that this version is in use here and that this guest needs
no earlier one; --also names the report ids that it had before its restarts. give-back ends the lease of a secret that one guest at a
time may hold, by the fence that get printed. A key that does not open the volume ends with status 1.

${AGENT_USAGE}`;

type Format = "raw" | "hex" | "base64";
type Volume =
  | { readonly device: string; readonly name: string }
  | { readonly device: string; readonly isTest: true };

/** What the agent does, handed in: this floor's rooms are strangers. */
export interface AgentEdges extends TokenEdges {
  readonly fetchSecrets: FetchSecrets;
  readonly confirmUse: ConfirmUse;
  readonly giveBack: GiveBack;
  readonly writeSecrets: (secrets: readonly Uint8Array[], format: Format, place: Place) => Promise<void>;
  readonly unlock: (key: Uint8Array, volume: Volume) => Promise<"unlocked" | "wrong-key">;
}

export function createAgentCommand(edges: AgentEdges): Command {
  return {
    name: "agent",
    summary: "the guest side: get a secret or a token, unlock a disk, confirm a version, give back a lease",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      if (name === "get") return runGet(rest, edges, terminal);
      if (name === "token") return runToken(rest, edges, terminal);
      if (name === "confirm") return runConfirm(rest, edges.confirmUse, terminal);
      if (name === "give-back") return runGiveBack(rest, edges.giveBack, terminal);
      if (name === "unlock") return runUnlock(rest, edges, terminal);
      throw new Misuse("expected get, token, confirm, give-back or unlock after `agent`");
    },
  };
}

async function runGet(args: readonly string[], edges: AgentEdges, terminal: Terminal): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, {
    ...AGENT_OPTIONS,
    fd: { type: "string" },
    out: { type: "string" },
    format: { type: "string" },
  });
  if (positionals.length === 0) throw new Misuse("expected at least one PATH of a secret");
  const format = formatOf(values.format ?? "raw", positionals.length);
  const place = placeOf(values, terminal);
  const want = wantedOf(positionals, values.version);
  const request = { want, options: agentOptionsOf(values), onWait: sayTo(terminal) };
  await withSecrets(edges, request, async (fetched) => {
    if (place !== undefined) {
      const plaintexts = fetched.secrets.map(({ secret }) => secret);
      await edges.writeSecrets(plaintexts, format, place);
    }
    if (values.json === true) terminal.out(`${canonicalJson(factsOf(fetched))}\n`);
    else terminal.err(sentenceOf(fetched));
  });
  return 0;
}

async function runUnlock(
  args: readonly string[],
  edges: AgentEdges,
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
  const request = { want, options: agentOptionsOf(values), onWait: sayTo(terminal) };
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

/** Plaintext lives as long as `use` and no longer. */
async function withSecrets<T>(
  edges: AgentEdges,
  request: SecretRequest,
  use: (fetched: FetchedSecrets) => Promise<T>,
): Promise<T> {
  const fetched = await edges.fetchSecrets(request);
  try {
    return await use(fetched);
  } finally {
    for (const { secret } of fetched.secrets) secret.fill(0);
  }
}

function formatOf(word: string, count: number): Format {
  if (word === "raw" && count > 1) throw new Misuse("expected --format hex or base64 for several secrets");
  if (word === "raw" || word === "hex" || word === "base64") return word;
  throw new Misuse(`expected --format raw, hex or base64, received \`${word}\``);
}

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

function factsOf({ decision, broker, secrets }: FetchedSecrets) {
  return {
    decision,
    ...(broker === undefined ? {} : { broker: provenFactsOf(broker) }),
    secrets: secrets.map(({ secretId, version, lease, reattestSeconds, secret }) => ({
      path: secretId,
      version,
      ...(lease === undefined ? {} : { lease: { ...lease, until: formatInstant(lease.until) } }),
      ...(reattestSeconds === undefined ? {} : { reattestSeconds }),
      bytes: secret.length,
    })),
  };
}

function provenFactsOf({ tier, measurement, product, reportedTcb, ...rest }: ProvenBroker) {
  const { cluster, policyRoot, isSimulated: simulated } = rest;
  return { tier, measurement, product, reportedTcb, cluster, policyRoot, simulated };
}

function sentenceOf({ decision, broker, secrets }: FetchedSecrets): string {
  const proven = broker === undefined ? "" : provenSentenceOf(broker);
  const released = secrets
    .map(({ secretId, version, lease, reattestSeconds: reattest }) => {
      const held =
        lease === undefined ? "" : `, held until ${formatInstant(lease.until)} under fence ${lease.fence}`;
      const again = reattest === undefined ? "" : `, to be asked for again within ${reattest} s`;
      return `ostiary: ${secretId} version ${version}, decision ${decision}${held}${again}\n`;
    })
    .join("");
  return `${proven}${released}`;
}

function provenSentenceOf({ tier, measurement, isSimulated }: ProvenBroker): string {
  const by = isSimulated ? "a simulated chip" : "its chip";
  return `ostiary: the broker proved itself (tier ${tier}, ${by}): measurement ${measurement}\n`;
}
