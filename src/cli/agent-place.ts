/** Where may the agent put what it got? A descriptor, a file in tmpfs, or standard output that is no terminal. */
import type { Fault } from "../base/fault.ts";
import type { SecretRequest } from "./agent-session.ts";
import { Misuse, type Terminal } from "./command.ts";

export type Place = { readonly fd: number } | { readonly file: string };

/** Tells of each wait: which broker, what it answered and under which id, and what comes next. */
export function sayTo(terminal: Terminal): SecretRequest["onWait"] {
  return ({ fault, failed, next, milliseconds }) => {
    const { reason, id } = fault.detail;
    const facts = [reason, id, waitingFor(fault)].filter((fact) => fact !== undefined).map(String);
    const why = facts.length === 0 ? "" : ` (${facts.join(", ")})`;
    const whom = next === failed ? "asking again" : `asking ${next.url}`;
    const when = milliseconds === 0 ? "now" : `in ${(milliseconds / 1000).toFixed(1)} s`;
    terminal.err(`ostiary: ${failed.url}: ${fault.code}${why}; ${whom} ${when}\n`);
  };
}

/** Whoever stands before the guest tells people what to approve; of the broker's sentence a terminal is shown digests alone. */
function waitingFor({ code, message }: Fault): string | undefined {
  if (code !== "policy/needs-approval") return undefined;
  const requests = message.match(/\b[0-9a-f]{64}\b/g) ?? [];
  return requests.length === 0 ? undefined : `waits for approval of ${requests.join(" and ")}`;
}

/**
 * Where plaintext is to go. Without a place, `--json` alone tries whether the secret is released; nothing is written.
 *
 * @throws {@link Misuse}.
 */
export function placeOf(
  { fd, out, json }: { fd?: string | undefined; out?: string | undefined; json?: boolean | undefined },
  terminal: Terminal,
): Place | undefined {
  if (fd !== undefined && out !== undefined) throw new Misuse("expected --fd or --out, received both");
  if (out !== undefined) return { file: out };
  if (fd !== undefined) return { fd: descriptorOf(fd, json === true) };
  if (json === true) return undefined;
  if (terminal.isTty) throw new Misuse("expected --fd N or --out FILE: standard output is a terminal");
  return { fd: 1 };
}

function descriptorOf(text: string, isJson: boolean): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Misuse(`expected --fd from 1 on, received \`${text}\``);
  if (text === "1" && isJson) throw new Misuse("expected another --fd with --json, which prints to 1");
  return Number(text);
}
