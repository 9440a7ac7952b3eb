/** What is a word after `ostiary secret`, and how does it print what it did? */
import { formatInstant } from "../base/time.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import { encodeSecretList, encodeSecretSummary } from "../wire/secret.ts";
import type { SecretSummary } from "../wire/secret-messages.ts";
import type { OpenAdminSession } from "./admin-session.ts";
import type { ExitStatus, Terminal } from "./command.ts";
import { tableOf } from "./table.ts";

export interface SecretEdges {
  readonly open: OpenAdminSession;
  readonly terminal: Terminal;
}

export type SecretVerb = (args: readonly string[], edges: SecretEdges) => Promise<ExitStatus>;

export function printVersion(secret: SecretSummary, isJson: boolean | undefined, terminal: Terminal): void {
  const { path, version, state } = secret;
  terminal.out(
    isJson === true ? `${encodeSecretSummary(secret)}\n` : `${path} version ${version} ${state}\n`,
  );
}

export function printVersions(
  secrets: readonly SecretSummary[],
  isJson: boolean | undefined,
  terminal: Terminal,
): void {
  if (isJson === true) {
    terminal.out(`${encodeSecretList(secrets)}\n`);
    return;
  }
  const head = ["PATH", "VERSION", "STATE", "KIND", "CREATED", "BY"];
  const rows = secrets.map((secret) => [
    secret.path,
    String(secret.version),
    stateOf(secret),
    secret.make ?? secret.kind,
    formatInstant(secret.createdAt),
    secret.createdBy,
  ]);
  terminal.out(secrets.length === 0 ? "no secrets\n" : tableOf([head, ...rows]));
  const [first] = secrets;
  if (first !== undefined) terminal.out(chosenLines(first));
}

function stateOf({ state, destroyAt }: SecretSummary): string {
  return destroyAt === undefined ? state : `${state} until ${formatInstant(destroyAt)}`;
}

/** What holds for the secret as a whole: a line for each choice. */
function chosenLines(secret: SecretSummary): string {
  const { bindings, current, minimum, rotateSeconds, retire, leaseSeconds, owner, labels } = secret;
  const names = bindings?.map((binding) => BINDING_NAMES[binding]).join(", ");
  const lines = [
    names === undefined ? [] : [`released over ${names} only`],
    current === undefined ? [] : [`current version ${current}`],
    minimum === undefined ? [] : [`no version below ${minimum} is released`],
    rotateSeconds === undefined ? [] : [`rotated every ${rotateSeconds} s`],
    retire === true ? ["old versions retire once nobody holds them"] : [],
    leaseSeconds === undefined ? [] : [`held by one guest at a time, for ${leaseSeconds} s unless it renews`],
    owner === undefined ? [] : [`owner ${owner}`],
    Object.entries(labels ?? {}).map(([name, value]) => `label ${name}=${value}`),
  ];
  return lines
    .flat()
    .map((line) => `${line}\n`)
    .join("");
}
