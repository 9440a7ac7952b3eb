/** `ostiary kek rotate --module` and `kek seal`: a root key that a device keeps, a token or the TPM of this machine. */
import { oneWord, parseArguments } from "./arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "./command.ts";

export const DEVICES_USAGE = `ostiary kek rotate --module LIBRARY --token LABEL --key LABEL --pin-file FILE [--kind aes-256 | p-384]
                         make a new key inside a PKCS#11 token, which it never leaves; p-384 where the token has no AES-GCM
ostiary kek seal FILE --out SEALED [--tpm DEVICE] [--pcrs LIST]
                         seal the key in FILE to the TPM of this machine (/dev/tpmrm0) and to what it booted: PCRs like
                         0,7 (unless said: 7), whose values the TPM must find again before it gives the key out
`;

/** Makes a key in a token. @throws {@link Fault} `kek/unavailable`, `file/unusable`. */
export type MakeTokenKey = (plan: {
  readonly module: string;
  readonly token: string;
  readonly key: string;
  readonly pinFile: string;
  readonly kind: "aes-256" | "p-384";
}) => Promise<void>;

/** Seals the key of a file into a new file. @throws {@link Fault} `kek/unavailable`, `tpm/…`, `file/unusable`, `config/invalid`. */
export type SealKeyFile = (plan: {
  readonly file: string;
  readonly out: string;
  readonly device: string;
  readonly pcrs: readonly number[];
}) => Promise<void>;

const text = { type: "string" } as const;

const TOKEN_OPTIONS = { module: text, token: text, key: text, "pin-file": text, kind: text };

/** Whether these words are about a token, and not about a file. */
export function namesToken(args: readonly string[]): boolean {
  return args.some((word) => /^--(module|token|key|pin-file|kind)(=|$)/.test(word));
}

export async function makeInToken(
  args: readonly string[],
  makeTokenKey: MakeTokenKey,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, TOKEN_OPTIONS);
  const { module, token, key, "pin-file": pinFile, kind = "aes-256" } = values;
  if (positionals.length > 0 || [module, token, key, pinFile].includes(undefined)) {
    throw new Misuse(
      "expected --module LIBRARY, --token LABEL, --key LABEL and --pin-file FILE, or FILE alone",
    );
  }
  if (kind !== "aes-256" && kind !== "p-384") throw new Misuse("expected --kind aes-256 or p-384");
  await makeTokenKey({
    module: module ?? "",
    token: token ?? "",
    key: key ?? "",
    pinFile: pinFile ?? "",
    kind,
  });
  terminal.out(`a new key ${key} is in the token ${token}: name it on every broker

[[kek.also]]
pkcs11 = { module = "${module}", token = "${token}", key = "${key}", pin_file = "${pinFile}" }

and restart them one after the other; \`ostiary kek --help\` says what comes next. It cannot be copied out: what backs the
token up is its maker's
`);
  return 0;
}

export async function seal(
  args: readonly string[],
  sealKeyFile: SealKeyFile,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { tpm: text, pcrs: text, out: text });
  const file = oneWord(positionals, "FILE");
  const { tpm: device = "/dev/tpmrm0", pcrs = "7", out } = values;
  if (out === undefined) throw new Misuse("expected --out SEALED");
  await sealKeyFile({ file, out, device, pcrs: pcrsOf(pcrs) });
  terminal.out(`the key is sealed in ${out}, which this TPM alone opens. Name it in place of the file:

[kek]
tpm = { device = "${device}", sealed = "${out}" }

Keep ${file} offline, apart from this machine, and remove it here: the TPM gives out no key once PCR ${pcrs} changed
`);
  return 0;
}

function pcrsOf(list: string): readonly number[] {
  const pcrs = list.split(",").map((word) => (/^\d{1,2}$/.test(word) ? Number(word) : 24));
  if (pcrs.every((pcr) => pcr < 24) && new Set(pcrs).size === pcrs.length)
    return pcrs.toSorted((a, b) => a - b);
  throw new Misuse("expected --pcrs as numbers from 0 to 23 with commas between, each once");
}
