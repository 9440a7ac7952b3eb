/** `ostiary admin login`: a session by an OpenID provider, kept in a file for the verbs that follow. */
import { formatInstant } from "../../base/time.ts";
import type { SignedIn } from "../../wire/sign-in-messages.ts";
import { ADMIN_OPTIONS, type AdminOptions, adminOptionsOf } from "../admin-session.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { encodeSessionFile, type SessionFile } from "../session-file.ts";

export interface LoginOptions extends Omit<AdminOptions, "session" | "key" | "kid"> {
  /** Which of several providers. */
  readonly issuer?: string;
  /** By a code that is typed into a browser elsewhere (RFC 8628), and not by one on this machine (RFC 8252). */
  readonly isByDevice: boolean;
  /** Where the browser comes back to; any free port where it is left out. */
  readonly port?: number;
}

/** Has somebody sign in; `tell` says what they have to do. @throws {@link Fault} `login/…`, `broker/…`, `config/invalid`. */
export type Login = (
  options: LoginOptions,
  tell: (sentence: string) => void,
) => Promise<{ readonly file: SessionFile; readonly signedIn: SignedIn }>;

export const LOGIN_USAGE = `ostiary admin login --session FILE               sign in by an OpenID provider of the broker; the session goes into FILE
    --device         by a code that you type into any browser, and not by a browser on this machine
    --issuer URL     by this provider, where the broker has several
    --port N         where the browser comes back to, where the provider wants to know
`;

const OPTIONS = {
  ...ADMIN_OPTIONS,
  device: { type: "boolean" },
  issuer: { type: "string" },
  port: { type: "string" },
} as const;

export async function login(
  args: readonly string[],
  { run, terminal }: { readonly run: Login; readonly terminal: Terminal },
): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  noWords(positionals);
  const { session, key, kid, ...where } = adminOptionsOf(values);
  if (session === undefined) throw new Misuse("expected --session FILE: where the session is to be kept");
  if (key !== undefined || kid !== undefined)
    throw new Misuse("expected no key: a provider says who you are");
  const { file, signedIn } = await run(
    {
      ...where,
      isByDevice: values.device === true,
      ...(values.issuer === undefined ? {} : { issuer: values.issuer }),
      ...(values.port === undefined ? {} : { port: portOf(values.port) }),
    },
    (sentence) => terminal.err(`${sentence}\n`),
  );
  await terminal.writeFile(session, encodeSessionFile(file));
  const { person, roles, under, expiresAt } = signedIn;
  const reach = under.length === 0 ? "every path" : under.join(" ");
  terminal.out(`signed in as ${file.kid} (${person}): ${roles.join(" ") || "no role"}; ${reach}\n`);
  terminal.out(`until ${formatInstant(expiresAt)}; next: ostiary … --session ${session}\n`);
  return 0;
}

function portOf(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 65_536;
  if (port < 65_536) return port;
  throw new Misuse(`expected --port from 1 to 65535, received \`${text}\``);
}
