/** `ostiary agent unlock`: a disk that is ours, opened by a secret of the broker's. */
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
import { countOf, noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

/** What to open, and what is allowed on the way there. */
export interface UnlockPlan {
  readonly device: string;
  /** Without a name the key is only tried. */
  readonly name?: string | undefined;
  readonly secret: string;
  readonly version?: number | undefined;
  readonly adopt: boolean;
  readonly formatOnGrant: boolean;
  readonly overwrite: boolean;
  readonly mkfs?: string | undefined;
  readonly integrity: boolean;
  readonly isCounted: boolean;
  readonly acceptEpoch?: number | undefined;
}

interface UnlockReport {
  readonly device: string;
  readonly uuid: string;
  readonly secret: string;
  readonly version: number;
  readonly decision: string;
  readonly how: "marked" | "adopted" | "formatted";
  readonly epoch: number;
  readonly hasFileSystemMade: boolean;
  readonly versions: readonly number[];
}

export interface UnlockRequest {
  readonly plan: UnlockPlan;
  readonly options: AgentOptions;
  readonly onWait: SecretRequest["onWait"];
  /** Told of each release, and never the secret's to keep. */
  readonly onRelease: (fetched: FetchedSecrets) => void;
}

export interface UnlockEdges extends AgentFileEdges {
  /** @throws {@link Fault} `disk/…`, and what `FetchSecrets` throws. */
  readonly unlockVolume: (request: UnlockRequest) => Promise<UnlockReport>;
}

export const UNLOCK_USAGE = `ostiary agent unlock --device DEVICE --name NAME --secret PATH [--integrity hmac-sha256]
    [--epoch [--accept-epoch N]] [--adopt] [--format-on-grant [--overwrite] [--mkfs ext4|xfs|btrfs]]
ostiary agent unlock --device DEVICE --test-passphrase --secret PATH
`;

const OPTIONS = {
  ...AGENT_OPTIONS,
  device: { type: "string" },
  name: { type: "string" },
  secret: { type: "string" },
  "test-passphrase": { type: "boolean" },
  adopt: { type: "boolean" },
  "format-on-grant": { type: "boolean" },
  overwrite: { type: "boolean" },
  mkfs: { type: "string" },
  integrity: { type: "string" },
  epoch: { type: "boolean" },
  "accept-epoch": { type: "string" },
} as const;

type Values = Readonly<Partial<Record<keyof typeof OPTIONS, string | boolean | readonly string[]>>>;

export async function runUnlock(
  args: readonly string[],
  edges: UnlockEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const isJson = values.json === true;
  const report = await edges.unlockVolume({
    plan: planOf(values),
    options: await agentOptionsFor(values, edges, terminal),
    onWait: sayTo(terminal),
    onRelease: (fetched) => {
      if (!isJson) terminal.err(sentenceOf(fetched));
    },
  });
  if (isJson) terminal.out(`${canonicalJson({ ...report, outcome: "unlocked" })}\n`);
  else terminal.err(sentencesOf(report));
  return 0;
}

function sentencesOf({
  device,
  uuid,
  how,
  epoch,
  hasFileSystemMade,
  version,
  versions,
}: UnlockReport): string {
  const opened = `${device}: ${SENTENCES[how]}; the key opens it`;
  const counted = epoch === 0 ? "" : `, epoch ${epoch}`;
  const made = hasFileSystemMade ? "; a file system was made in it" : "";
  const more = versions.length > 1 ? `; a rotation is not finished: \`agent rekey\` retires all but one` : "";
  return `ostiary: ${opened} (UUID ${uuid}, secret version ${version}${counted}${made}${more})\n`;
}

const SENTENCES = {
  marked: "its marker is the broker's",
  adopted:
    "adopted as it is, and marked: header, cipher and key slot are trusted from now on because you said so",
  formatted: "made on a grant, and marked",
} as const;

/** @throws {@link Misuse}. */
function planOf(values: Values): UnlockPlan {
  const { device, secret, version, mkfs } = values;
  if (typeof device !== "string" || device === "") throw new Misuse("expected --device DEVICE");
  if (typeof secret !== "string") throw new Misuse("expected --secret PATH");
  const [adopt, formatOnGrant] = [values.adopt === true, values["format-on-grant"] === true];
  refuseSenseless(values, adopt || formatOnGrant);
  return {
    device,
    secret,
    ...nameOf(values),
    adopt,
    formatOnGrant,
    overwrite: values.overwrite === true,
    integrity: values.integrity !== undefined,
    isCounted: values.epoch === true,
    ...acceptedOf(values),
    ...(typeof version === "string" ? { version: countOf(version, "--version") } : {}),
    ...(typeof mkfs === "string" ? { mkfs } : {}),
  };
}

function acceptedOf(values: Values): { readonly acceptEpoch?: number } {
  const text = values["accept-epoch"];
  return typeof text === "string" ? { acceptEpoch: countOf(text, "--accept-epoch") } : {};
}

/** @throws {@link Misuse} for words that would be ignored, or mean two things. */
function refuseSenseless(values: Values, isNew: boolean): void {
  const { version, adopt, overwrite, mkfs, integrity } = values;
  const isGranted = values["format-on-grant"] === true;
  const hasGrantWords = (overwrite ?? mkfs) !== undefined;
  const rows: readonly (readonly [boolean, string])[] = [
    [version !== undefined && !isNew, "expected no --version: the volume's marker names it"],
    [adopt === true && isGranted, "expected --adopt or --format-on-grant, received both"],
    [values["accept-epoch"] !== undefined && values.epoch !== true, "expected --epoch with --accept-epoch"],
    [hasGrantWords && !isGranted, "expected --overwrite and --mkfs with --format-on-grant only"],
    [typeof mkfs === "string" && !FILE_SYSTEMS.includes(mkfs), "expected --mkfs ext4, xfs or btrfs"],
    [integrity !== undefined && integrity !== "hmac-sha256", "expected --integrity hmac-sha256"],
    [
      integrity !== undefined && isGranted,
      "expected --integrity without --format-on-grant, for a volume to adopt",
    ],
  ];
  for (const [isSenseless, sentence] of rows) if (isSenseless) throw new Misuse(sentence);
}

const FILE_SYSTEMS = ["ext4", "xfs", "btrfs"];

function nameOf(values: Values): { readonly name?: string } {
  const { name } = values;
  if (values["test-passphrase"] === true) return {};
  if (typeof name === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$/.test(name)) return { name };
  throw new Misuse("expected --name NAME of letters, digits, `_`, `.` and `-`, or --test-passphrase");
}
