/** `ostiary agent token AUD`: a JWT for an audience, bound to a key that the guest keeps. */
import { canonicalJson } from "../../base/canonical-json.ts";
import type { PublicJwk } from "../../wire/messages.ts";
import { type AgentFileEdges, agentOptionsFor } from "../agent-config.ts";
import { type Place, placeOf, sayTo } from "../agent-place.ts";
import { AGENT_OPTIONS, type FetchToken, type TokenRequest } from "../agent-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";

/** What the verb needs of the machine. */
export interface TokenEdges extends AgentFileEdges {
  readonly fetchToken: FetchToken;
  /** A new key for signatures: its public half, and the whole as PKCS#8 PEM, which the caller overwrites. */
  readonly makeKey: () => Promise<{ readonly jwk: PublicJwk; readonly pem: Uint8Array }>;
  /** @throws {@link Fault} `file/unusable`, `config/invalid` for what is no public key of P-256, P-384 or Ed25519. */
  readonly publicKeyOf: (file: string) => Promise<PublicJwk>;
  /** The public half of a private key. @throws {@link Fault} as `publicKeyOf`, for what is no private key of P-256. */
  readonly publicHalfOf: (file: string) => Promise<PublicJwk>;
  readonly writeSecrets: (secrets: readonly Uint8Array[], format: "raw", place: Place) => Promise<void>;
}

export const TOKEN_USAGE = `ostiary agent token AUD --key-out FILE | --public-key FILE | --no-key | --renew TOKEN --key FILE [--fd N | --out FILE]
  --renew and --key: by the broker's own token in the file TOKEN and the private key that it is bound to, without a report of the
  hardware; with one where the broker wants to see new evidence
`;

const OPTIONS = {
  ...AGENT_OPTIONS,
  fd: { type: "string" },
  out: { type: "string" },
  "key-out": { type: "string" },
  "public-key": { type: "string" },
  "no-key": { type: "boolean" },
  renew: { type: "string" },
  key: { type: "string" },
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
  const held = await heldBy(keyPlace, terminal);
  try {
    const { decision, token } = await edges.fetchToken({
      aud,
      cnf,
      ...held,
      options,
      onWait: sayTo(terminal),
    });
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
  | { readonly kind: "held"; readonly file: string; readonly token: string }
  | { readonly kind: "none" };

function keyPlaceOf(values: {
  readonly "key-out"?: string | undefined;
  readonly "public-key"?: string | undefined;
  readonly "no-key"?: boolean | undefined;
  readonly renew?: string | undefined;
  readonly key?: string | undefined;
}): KeyPlace {
  const { "key-out": fresh, "public-key": own, "no-key": none, renew: token, key } = values;
  if ((token === undefined) !== (key === undefined))
    throw new Misuse("expected --renew TOKEN and --key FILE together");
  const places: readonly KeyPlace[] = [
    ...(fresh === undefined ? [] : [{ kind: "new", file: fresh } as const]),
    ...(own === undefined ? [] : [{ kind: "own", file: own } as const]),
    ...(none === true ? [{ kind: "none" } as const] : []),
    ...(token === undefined || key === undefined ? [] : [{ kind: "held", file: key, token } as const]),
  ];
  const [place] = places;
  if (place !== undefined && places.length === 1) return place;
  throw new Misuse(
    "expected one of --key-out FILE, --public-key FILE, --no-key and --renew TOKEN --key FILE",
  );
}

/** Every request names a key; where a bearer token is wanted, one that nobody keeps. */
async function keyFor(
  place: KeyPlace,
  edges: TokenEdges,
): Promise<{ readonly jwk: PublicJwk; readonly pem?: Uint8Array }> {
  if (place.kind === "own") return { jwk: await edges.publicKeyOf(place.file) };
  return place.kind === "held" ? { jwk: await edges.publicHalfOf(place.file) } : edges.makeKey();
}

const MAX_TOKEN_BYTES = 64 * 1024;

async function heldBy(place: KeyPlace, terminal: Terminal): Promise<Pick<TokenRequest, "held">> {
  if (place.kind !== "held") return {};
  const bytes = await terminal.readFile(place.token, MAX_TOKEN_BYTES);
  return { held: { token: new TextDecoder().decode(bytes).trim(), keyFile: place.file } };
}
