/** `ostiary admin …`: who may do what on a broker. Changes are statements that people of the root sign, one after the other. */

import { parseUtf8, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { ACCOUNT_ROLES, type Account, type AccountRole, isIssuer, isSubject } from "../../policy/accounts.ts";
import { isAdminName, isPathPrefix, ROLES, type Role } from "../../policy/admins.ts";
import { type RosterChange, rosterChangeIn, signRosterChange } from "../../policy/roster.ts";
import { cosignDsse } from "../../policy/signatures.ts";
import { encodeRosterView } from "../../wire/admins.ts";
import type { RosterView } from "../../wire/governance-messages.ts";
import { adminKeyOf, keyWords } from "../admin-key.ts";
import {
  ADMIN_OPTIONS,
  ADMIN_USAGE,
  type AdminSession,
  adminOptionsOf,
  type GivenOptions,
  type OpenAdminSession,
  openedBy,
} from "../admin-session.ts";
import { oneWord, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { tableOf } from "../table.ts";
import { LOGIN_USAGE, type Login, login } from "./admin-login.ts";

const USAGE = `ostiary admin list                              admins, their roles and paths, and the owner groups
ostiary admin add NAME --public FILE --role R…  a statement that adds an admin, signed by you; --registration FILE for a security key
ostiary admin add NAME --issuer URL --subject ID --role R…
                                                one that adds an account of an OpenID provider: it signs in, and signs nothing
ostiary admin remove NAME                       one that removes an admin: what they sign later counts no more
ostiary admin sign FILE                         your signature on such a statement
${LOGIN_USAGE}
Where it takes more people of the root than you, --to FILE keeps the statement for the others instead of sending it;
the last of them sends it with \`admin sign FILE --send\`.

  --public FILE    Ed25519 public key, PEM
  --issuer URL     the provider as [[oidc]] of the broker's configuration names it
  --subject ID     what the provider calls the account in \`sub\`; no address of mail
  --registration FILE
                   what the page /admin/key of the broker showed when a security key was registered there
  --person NAME    whose key it is, where that is not NAME: one person counts once, whatever their keys
  --role ROLE      ${ROLES.join(", ")}; several times for several; of an account ${ACCOUNT_ROLES.join(" and ")} alone
  --under PATH     the roles reach paths under this one only; several times for several
  --owns GROUP     an owner group of the configuration, or root; several times for several

${ADMIN_USAGE}`;

/** Makes the verb; `open` gives it the client and the key that its options name, `signIn` a session. */
export function createAdminCommand(open: OpenAdminSession, signIn: Login): Command {
  return {
    name: "admin",
    summary: "admins and their roles: list, add, remove, sign, login",
    usage: USAGE,
    run: async ([name, ...rest], terminal) => {
      const edges = { open, terminal };
      if (name === "list") return list(rest, edges);
      if (name === "add") return add(rest, edges);
      if (name === "remove") return remove(rest, edges);
      if (name === "sign") return sign(rest, edges);
      if (name === "login") return login(rest, { run: signIn, terminal });
      throw new Misuse("expected list, add, remove, sign or login after `admin`");
    },
  };
}

interface Edges {
  readonly open: OpenAdminSession;
  readonly terminal: Terminal;
}

const TO = { ...ADMIN_OPTIONS, to: { type: "string" } } as const;

const ADD = {
  ...TO,
  public: { type: "string" },
  registration: { type: "string" },
  issuer: { type: "string" },
  subject: { type: "string" },
  person: { type: "string" },
  role: { type: "string", multiple: true },
  under: { type: "string", multiple: true },
  owns: { type: "string", multiple: true },
} as const;

async function list(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { client, json } = await openedBy(args, open);
  tell(await client.listAdmins(), json, terminal);
  return 0;
}

async function add(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, ADD);
  const kid = nameOf(oneWord(positionals, "NAME"));
  const common = {
    kid,
    person: nameOf(values.person ?? kid),
    under: eachOnce((values.under ?? []).map(prefixOf)),
  };
  const { issuer, subject, owns = [], role = [] } = values;
  if (issuer !== undefined || subject !== undefined) {
    if (values.public !== undefined || values.registration !== undefined || owns.length > 0)
      throw new Misuse("expected no key and no --owns with --issuer: an account signs nothing");
    const account = { ...common, ...providedOf(issuer, subject), roles: eachOnce(role.map(accountRoleOf)) };
    return propose({ act: "add", account }, values, edges);
  }
  const key = await adminKeyOf(values, edges);
  const admin = { ...common, ...key, roles: eachOnce(role.map(roleOf)), owns: eachOnce(owns.map(nameOf)) };
  return propose({ act: "add", admin }, values, edges);
}

async function remove(args: readonly string[], edges: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, TO);
  return propose({ act: "remove", kid: nameOf(oneWord(positionals, "NAME")) }, values, edges);
}

interface Wanted extends GivenOptions {
  readonly to?: string | undefined;
  readonly json?: boolean | undefined;
}

async function propose(change: RosterChange, values: Wanted, { open, terminal }: Edges): Promise<ExitStatus> {
  const session = await open(adminOptionsOf(values));
  const { client, audience, now, signer } = session;
  const { serial, head, live } = await client.listAdmins();
  const statement = { serial: serial + 1, previous: head, audience, live, at: now(), change };
  return settle(await signRosterChange(statement, signer), values, { session, terminal });
}

async function sign(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, { ...ADMIN_OPTIONS, send: { type: "boolean" } });
  const file = oneWord(positionals, "FILE");
  const envelope = parseUtf8(await terminal.readFile(file))?.trim();
  if (envelope === undefined) throw new Fault("file/unusable", `expected a statement in \`${file}\``);
  const { change } = rosterChangeIn(envelope);
  const session = await open(adminOptionsOf(values));
  terminal.err(`${wordsOf(change)}\n`);
  const to = values.send === true ? undefined : file;
  return settle(await cosignDsse(envelope, session.signer), { ...values, to }, { session, terminal });
}

/** Kept for others to sign, or sent. */
async function settle(
  envelope: string,
  { to, json }: Pick<Wanted, "to" | "json">,
  { session, terminal }: { readonly session: AdminSession; readonly terminal: Terminal },
): Promise<ExitStatus> {
  if (to === undefined) {
    tell(await session.client.changeRoster(envelope), json, terminal);
    return 0;
  }
  await terminal.writeFile(to, utf8(`${envelope}\n`), 0o644);
  terminal.out(`signed in ${to}; next: ostiary admin sign ${to} --send\n`);
  return 0;
}

/** What somebody is about to sign. */
function wordsOf(change: RosterChange): string {
  if (change.act === "remove") return `removes ${change.kid}`;
  const { kid, person, roles, under } = "admin" in change ? change.admin : change.account;
  const reach = under.length === 0 ? "every path" : under.join(" ");
  const as =
    "admin" in change
      ? `owns ${change.admin.owns.join(" ") || "nothing"}${keyWords(change.admin)}`
      : `signs in by ${change.account.issuer} as ${change.account.subject}`;
  return `adds ${kid} of ${person}: ${roles.join(" ") || "no role"}; ${reach}; ${as}`;
}

function tell(view: RosterView, isJson: boolean | undefined, terminal: Terminal): void {
  if (isJson === true) {
    terminal.out(`${encodeRosterView(view)}\n`);
    return;
  }
  const rows = view.admins.map(({ kid, person, roles, under, owns }) => [
    kid,
    person,
    roles.join(" "),
    under.length === 0 ? "every path" : under.join(" "),
    owns.join(" "),
  ]);
  terminal.out(tableOf([["NAME", "PERSON", "ROLES", "REACH", "OWNS"], ...rows]));
  const accounts = view.accounts.map(({ kid, person, roles, under, issuer, subject }) => [
    kid,
    person,
    roles.join(" "),
    under.length === 0 ? "every path" : under.join(" "),
    `${issuer} ${subject}`,
  ]);
  if (accounts.length > 0)
    terminal.out(`\n${tableOf([["ACCOUNT", "PERSON", "ROLES", "REACH", "SIGNS IN AS"], ...accounts])}`);
  const groups = view.groups.map(({ name, approvals, paths, modules, refsets }) => [
    name,
    String(approvals),
    [...paths, ...modules, ...refsets].join(" "),
  ]);
  if (groups.length > 0) terminal.out(`\n${tableOf([["GROUP", "APPROVALS", "ANSWERS FOR"], ...groups])}`);
  terminal.out(`\n${view.rootThreshold} of the root sign a change; ${view.serial} changes so far\n`);
  for (const warning of view.warnings) terminal.out(`warning: ${warning}\n`);
}

// ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

function nameOf(word: string): string {
  if (isAdminName(word)) return word;
  throw new Misuse(`expected a name of letters, digits, \`.\`, \`_\`, \`@\` and \`-\`, received \`${word}\``);
}

function roleOf(word: string): Role {
  const role = ROLES.find((known) => known === word);
  if (role !== undefined) return role;
  throw new Misuse(`expected --role ${ROLES.join(", ")}; received \`${word}\``);
}

function accountRoleOf(word: string): AccountRole {
  const role = ACCOUNT_ROLES.find((known) => known === word);
  if (role !== undefined) return role;
  throw new Misuse(
    `expected --role ${ACCOUNT_ROLES.join(" or ")} for an account, which signs nothing; received \`${word}\``,
  );
}

function providedOf(issuer = "", subject = ""): Pick<Account, "issuer" | "subject"> {
  if (!isIssuer(issuer)) throw new Misuse(`expected --issuer an https URL, received \`${issuer}\``);
  if (isSubject(subject)) return { issuer, subject };
  throw new Misuse(
    "expected --subject ID: what the provider calls the account, at most 255 ASCII characters",
  );
}

function prefixOf(word: string): string {
  if (isPathPrefix(word)) return word;
  throw new Misuse(`expected --under a path in whole segments, without wildcards; received \`${word}\``);
}

function eachOnce<T>(words: readonly T[]): readonly T[] {
  return [...new Set(words)];
}
