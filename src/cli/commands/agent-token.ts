/** `ostiary agent token AUD`: a JWT for an audience, bound to a key that the guest keeps. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { PublicJwk } from "../../wire/messages.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { type Place, placeOf, sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type FetchToken } from "../agent-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

/** What the verb needs of the machine. */
export interface TokenEdges extends AgentFileEdges {
  readonly fetchToken: FetchToken;
  /** A new key for signatures: its public half, and the whole as PKCS#8 PEM, which the caller overwrites. */
  readonly makeKey: () => Promise<{ readonly jwk: PublicJwk; readonly pem: Uint8Array }>;
  /** @throws {@link Fault} `file/unusable`, `config/invalid` for what is no public key of P-256, P-384 or Ed25519. */
  readonly publicKeyOf: (file: string) => Promise<PublicJwk>;
  readonly writeSecrets: (secrets: readonly Uint8Array[], format: "raw", place: Place) => Promise<void>;
}

export const TOKEN_USAGE =
  "ostiary agent token AUD --key-out FILE | --public-key FILE | --no-key [--fd N | --out FILE]\n";

const OPTIONS = {
  ...AGENT_OPTIONS,
  fd: { type: "string" },
  out: { type: "string" },
  "key-out": { type: "string" },
  "public-key": { type: "string" },
  "no-key": { type: "boolean" },
} as const;

/** The key is written before the token: a token without its key serves nobody. With `--json` alone nothing is written. */
export async function runToken(
  args: readonly string[],
  edges: TokenEdges,
  terminal: Terminal,
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const aud = oneWord(positionals, "AUD");
  if (values.version !== undefined) throw new Misuse("expected no --version: a token has none");
  const keyPlace = keyPlaceOf(values);
  const place = placeOf(values, terminal);
  const options = await agentOptionsFor(values, edges, terminal);
  const { jwk: cnf, pem } = await keyFor(keyPlace, edges);
  try {
    const { decision, token } = await edges.fetchToken({ aud, cnf, options, onWait: sayTo(terminal) });
    if (place !== undefined) {
      if (pem !== undefined && keyPlace.kind === "new") {
        await edges.writeSecrets([pem], "raw", { file: keyPlace.file });
      }
      await edges.writeSecrets([token], "raw", place);
    }
    token.fill(0);
    if (values.json === true) terminal.out(`${canonicalJson({ decision, audience: aud })}\n`);
    else terminal.err(`ostiary: a token for ${aud}, decision ${decision}\n`);
    return 0;
  } finally {
    pem?.fill(0);
  }
}

/** Where the private half is: in a new file, with who has it already, or nowhere. */
type KeyPlace =
  | { readonly kind: "new"; readonly file: string }
  | { readonly kind: "own"; readonly file: string }
  | { readonly kind: "none" };

function keyPlaceOf(values: {
  readonly "key-out"?: string | undefined;
  readonly "public-key"?: string | undefined;
  readonly "no-key"?: boolean | undefined;
}): KeyPlace {
  const { "key-out": fresh, "public-key": own, "no-key": none } = values;
  const places: readonly KeyPlace[] = [
    ...(fresh === undefined ? [] : [{ kind: "new", file: fresh } as const]),
    ...(own === undefined ? [] : [{ kind: "own", file: own } as const]),
    ...(none === true ? [{ kind: "none" } as const] : []),
  ];
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  throw new Misuse("expected one of --key-out FILE, --public-key FILE and --no-key");
}

/** Every request names a key; where a bearer token is wanted, one that nobody keeps. */
async function keyFor(
  place: KeyPlace,
  edges: TokenEdges,
): Promise<{ readonly jwk: PublicJwk; readonly pem?: Uint8Array }> {
  return place.kind === "own" ? { jwk: await edges.publicKeyOf(place.file) } : edges.makeKey();
}
