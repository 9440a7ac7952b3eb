/** `ostiary kek split` and `unseal`: a root key that several people hold together, and nobody alone. */
import { parseUtf8 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { SealProgress } from "../wire/messages.ts";
import { encodeSealProgress } from "../wire/shares.ts";
import { ADMIN_OPTIONS, adminOptionsOf, type OpenAdminSession } from "./admin-session.ts";
import { countOf, noWords, oneWord, parseArguments } from "./arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "./command.ts";

export const SHARES_USAGE = `ostiary kek split FILE --shares N --threshold K --out DIR
                         divide the key in FILE among N people, any K of whom make it; one file each in DIR, which is new
ostiary kek unseal [--share FILE | --progress | --forget]
                         give a share, from FILE or standard input, to a broker that waits for its root key; how many
                         were given; or take back what was given
`;

/** Divides the key of a file and puts each share into a new file of a new folder. @throws {@link Fault} `kek/unavailable`, `file/unusable`, `request/malformed`. */
export type SplitKeyFile = (plan: {
  readonly file: string;
  readonly folder: string;
  readonly shares: number;
  readonly threshold: number;
}) => Promise<{ readonly id: string; readonly files: readonly string[] }>;

export async function split(
  args: readonly string[],
  splitKeyFile: SplitKeyFile,
  terminal: Terminal,
): Promise<ExitStatus> {
  const text = { type: "string" } as const;
  const { values, positionals } = parseArguments(args, { shares: text, threshold: text, out: text });
  const file = oneWord(positionals, "FILE");
  const { shares, threshold, out: folder } = values;
  if (shares === undefined || threshold === undefined || folder === undefined) {
    throw new Misuse("expected --shares N, --threshold K and --out DIR");
  }
  const plan = { shares: countOf(shares, "--shares"), threshold: countOf(threshold, "--threshold") };
  const { id, files } = await splitKeyFile({ file, folder, ...plan });
  terminal.out(`${files.join("\n")}

Give each file to one person, then remove it here. Name the key on every broker, in place of the file:

[kek]
shares = "${id}"

and remove ${file} once a broker was unsealed with the shares: any ${plan.threshold} of ${plan.shares} people make it again.
`);
  return 0;
}

const MAX_SHARE_FILE = 1024;

export async function unseal(
  args: readonly string[],
  open: OpenAdminSession,
  terminal: Terminal,
): Promise<ExitStatus> {
  const options = {
    ...ADMIN_OPTIONS,
    share: { type: "string" },
    progress: { type: "boolean" },
    forget: { type: "boolean" },
  } as const;
  const { values, positionals } = parseArguments(args, options);
  noWords(positionals);
  const { share = "-", progress, forget, json } = values;
  if ([values.share, progress, forget].filter((one) => one !== undefined).length > 1) {
    throw new Misuse("expected one of --share, --progress and --forget");
  }
  const { client, url } = await open(adminOptionsOf(values));
  const told = (now: SealProgress): ExitStatus => {
    terminal.out(json === true ? `${encodeSealProgress(now)}\n` : sentenceOf(now));
    return 0;
  };
  if (progress === true) return told(await client.showShares());
  if (forget === true) return told(await client.forgetShares());
  refuseOpenRoad(url);
  const text = parseUtf8(await terminal.readFile(share, MAX_SHARE_FILE));
  return told(await client.giveShare((text ?? "").trim()));
}

function sentenceOf({ isSealed, given, needed }: SealProgress): string {
  if (!isSealed) return "unsealed: the broker serves\n";
  return needed === undefined
    ? "sealed: no share was given\n"
    : `sealed: ${given} of ${needed} shares were given\n`;
}

const OWN_MACHINE = /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:\/|$)/;

/** A share is a part of the root key: whoever reads the road between collects them all. */
function refuseOpenRoad(url: string): void {
  if (url.startsWith("https://") || OWN_MACHINE.test(url)) return;
  throw new Fault(
    "config/invalid",
    "expected https, or a broker on this machine: a share goes over no open road",
  );
}
