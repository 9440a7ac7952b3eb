/** Which broker does an admin's verb speak to, and with whose key? Options that every such verb has. */
import type { Signer } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import type { AdminClient } from "../client/admin.ts";
import { noWords, parseArguments } from "./arguments.ts";

/** What the options said; what they leave open, the runtime takes from the configuration. */
export interface AdminOptions {
  readonly config?: string;
  readonly broker?: string;
  readonly audience?: string;
  readonly key?: string;
  readonly kid?: string;
  /** What `admin login` wrote; it names the broker too. */
  readonly session?: string;
  /** Whose security key signs statements, where that is not the key that signs requests. */
  readonly securityKey?: string;
  /** File that the security key's answer is in. */
  readonly answer?: string;
}

/** A client and the key behind it; statements of policy are signed with the same key as requests, or by a security key, and by no session. */
export interface AdminSession {
  readonly client: AdminClient;
  readonly signer: Signer;
  readonly audience: string;
  /** Where the broker is reached. */
  readonly url: string;
  readonly now: () => Instant;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
export type OpenAdminSession = (options: AdminOptions) => Promise<AdminSession>;

/** For `parseArguments`. */
export const ADMIN_OPTIONS = {
  config: { type: "string" },
  broker: { type: "string" },
  audience: { type: "string" },
  key: { type: "string" },
  kid: { type: "string" },
  session: { type: "string" },
  "security-key": { type: "string" },
  answer: { type: "string" },
  json: { type: "boolean" },
} as const;

export const ADMIN_USAGE = `which broker, and who asks:
  --config FILE    configuration of the broker: its address, its audience, and admin-key.pem beside it
  --broker URL     address of the broker
  --audience URL   identity of the broker, where that is not its address
  --key FILE       your Ed25519 private key, PEM
  --kid NAME       the name that your key has among the admins
  --session FILE   in place of all of these: what \`ostiary admin login\` wrote; it signs no statement
  --security-key NAME
                   statements are signed by the security key of this admin, on the page that is then named; --key signs the request
  --answer FILE    what that page, or another program that speaks WebAuthn, answered (standard input)
  --json           print facts as JSON
`;

/** As `parseArguments` gives them. */
export interface GivenOptions extends Omit<AdminOptions, "securityKey"> {
  readonly "security-key"?: string;
}

/** The part of parsed options that says which broker and whose key. */
export function adminOptionsOf(values: GivenOptions): AdminOptions {
  const { config, broker, audience, key, kid, session, "security-key": securityKey, answer } = values;
  const given = Object.entries({ config, broker, audience, key, kid, session, securityKey, answer });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** For a verb of these options alone: reads them, and opens the client that they name. @throws Misuse; what `open` throws. */
export async function openedBy(args: readonly string[], open: OpenAdminSession) {
  const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
  noWords(positionals);
  const { client } = await open(adminOptionsOf(values));
  return { client, json: values.json };
}
