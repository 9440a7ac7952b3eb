/** Which words after `ostiary secret` bring a secret that nobody on the way sees? A key, a seal on any machine, and the import. */
import { utf8 } from "../base/bytes.ts";
import { formatInstant } from "../base/time.ts";
import { TRANSIT_TYPES } from "../keys/transit-type.ts";
import {
  decodeSealedSecret,
  decodeSignedImportKey,
  encodeSealedSecret,
  encodeSignedImportKey,
} from "../wire/import.ts";
import type { SealedSecret } from "../wire/import-messages.ts";
import { isSecretPath } from "../wire/resource-path.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "./admin-session.ts";
import { noWords, oneWord, parseArguments, secondsOf } from "./arguments.ts";
import { type ExitStatus, Misuse } from "./command.ts";
import { printVersion, type SealEdges, type SecretEdges, type SecretVerb } from "./secret-verb.ts";

export const IMPORT_VERBS: ReadonlyMap<string, SecretVerb> = new Map([
  ["import-key", fetchKey],
  ["seal", seal],
  ["import", importSealed],
]);

const MAX_SECRET_BYTES = 64 * 1024;
const MAX_FILE_BYTES = 256 * 1024;
const DEFAULT_VALIDITY = "24h";

async function fetchKey(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const options = { ...ADMIN_OPTIONS, wrap: { type: "string" }, valid: { type: "string" } } as const;
  const { values, positionals } = parseArguments(args, options);
  noWords(positionals);
  const suite = suiteOf(values.wrap ?? "hpke-xwing");
  const validSeconds = secondsOf(values.valid ?? DEFAULT_VALIDITY, "--valid");
  const { client } = await open(adminOptionsOf(values));
  const key = await client.makeImportKey({ suite, validSeconds });
  terminal.out(`${encodeSignedImportKey(key)}\n`);
  terminal.err(`ostiary: import key ${key.id}, for one secret, until ${formatInstant(key.expiresAt)}\n`);
  return 0;
}

function suiteOf(wrap: string): 1 | 2 {
  if (wrap === "hpke-x25519") return 1;
  if (wrap === "hpke-xwing") return 2;
  throw new Misuse(`expected --wrap hpke-xwing or hpke-x25519, received \`${wrap}\``);
}

const SEAL_OPTIONS = {
  "import-key": { type: "string" },
  "signing-key": { type: "string" },
  audience: { type: "string" },
  transit: { type: "string" },
  file: { type: "string" },
} as const;

/** Asks no broker. The secret comes from FILE or standard input; what is printed is for everybody's eyes. */
async function seal(args: readonly string[], { sealing, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, SEAL_OPTIONS);
  const path = pathOf(positionals);
  const use = useOf(values.transit);
  const keyFile = needed(values["import-key"], "--import-key FILE");
  const signingKeyFile = needed(values["signing-key"], "--signing-key FILE");
  const audience = needed(values.audience, "--audience URL");
  const key = decodeSignedImportKey(await terminal.readFile(keyFile, MAX_FILE_BYTES));
  const broker = { audience, signingKey: await sealing.signingKeyOf(signingKeyFile) };
  const given = await terminal.readFile(values.file ?? "-", MAX_SECRET_BYTES);
  const { plaintext, publicKey } = materialOf(given, use, sealing);
  try {
    const sealed = await sealing.sealSecret({ key, broker, path, use, publicKey, plaintext });
    terminal.out(`${encodeSealedSecret(sealed)}\n`);
  } finally {
    given.fill(0);
    plaintext.fill(0);
  }
  return 0;
}

function materialOf(given: Uint8Array, use: SealedSecret["use"], { pairOf }: SealEdges) {
  const isSymmetric = use === "static" || use === "aes-256-gcm" || use.startsWith("hmac-");
  if (isSymmetric) return { plaintext: given, publicKey: utf8("") };
  const { pkcs8, publicKey } = pairOf(given);
  return { plaintext: pkcs8, publicKey };
}

function pathOf(words: readonly string[]): string {
  const path = oneWord(words, "PATH");
  if (isSecretPath(path)) return path;
  throw new Misuse(`expected the path of a secret in normal form, received \`${path}\``);
}

function useOf(type: string | undefined): SealedSecret["use"] {
  if (type === undefined) return "static";
  const use = TRANSIT_TYPES.find((known) => known === type);
  if (use === undefined) throw new Misuse(`expected --transit with one of ${TRANSIT_TYPES.join(", ")}`);
  return use;
}

function needed(value: string | undefined, what: string): string {
  if (value === undefined) throw new Misuse(`expected ${what}`);
  return value;
}

async function importSealed(args: readonly string[], { open, terminal }: SecretEdges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, sealed: { type: "string" } });
  const path = oneWord(positionals, "PATH");
  const sealed = decodeSealedSecret(await terminal.readFile(values.sealed ?? "-", MAX_FILE_BYTES));
  const { client } = await open(adminOptionsOf(values));
  printVersion(await client.putSecret(path, { kind: "sealed", sealed }), values.json, terminal);
  return 0;
}
