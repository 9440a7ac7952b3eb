/** `ostiary policy shadow`: a proposed bundle beside the live one, and where it would have decided otherwise. */
import { formatInstant } from "../../base/time.ts";
import { signShadow } from "../../policy/order-statements.ts";
import { encodeShadowState, MAX_SHADOW_PAGE, type ShadowState } from "../../wire/shadow.ts";
import { ADMIN_OPTIONS, adminOptionsOf } from "../admin-session.ts";
import { parseArguments } from "../arguments.ts";
import { type ExitStatus, Misuse } from "../command.ts";
import { tableOf } from "../table.ts";
import { momentOf } from "../writ/moment.ts";
import type { Edges } from "./edges.ts";
import { wholeDigest } from "./whole-digest.ts";

const OPTIONS = { ...ADMIN_OPTIONS, until: { type: "string" }, stop: { type: "boolean" } } as const;

/** Without a DIGEST and without `--stop` it shows the newest differences; status 0. */
export async function shadow(args: readonly string[], { open, terminal }: Edges): Promise<ExitStatus> {
  const { values, positionals } = parseArguments(args, OPTIONS);
  const [digits, ...more] = positionals;
  const isStop = values.stop === true;
  if (more.length > 0 || (isStop && digits !== undefined)) {
    throw new Misuse("expected one DIGEST, or --stop, or neither");
  }
  if (values.until !== undefined && digits === undefined) throw new Misuse("expected a DIGEST with --until");
  const until = values.until === undefined ? null : momentOf(values.until);
  const { client, signer, audience } = await open(adminOptionsOf(values));
  const { serial, total } = await client.showShadow(1, 0);
  const isOrder = isStop || digits !== undefined;
  if (isOrder) {
    const digest = digits === undefined ? null : await wholeDigest(digits, client);
    await client.orderShadow(await signShadow({ digest, serial: serial + 1, audience, until }, signer));
  }
  const from = isOrder ? total + 1 : Math.max(1, total - MAX_SHADOW_PAGE + 1);
  const state = await client.showShadow(from, MAX_SHADOW_PAGE);
  terminal.out(values.json === true ? `${encodeShadowState(state)}\n` : textOf(state));
  return 0;
}

function textOf(state: ShadowState): string {
  const { order, rows } = state;
  const head = `${sentenceOf(state)}\n`;
  if (order === undefined || rows.length === 0) return head;
  const told = rows.map((row) => [
    String(row.seq),
    formatInstant(row.at),
    row.decision,
    row.direction,
    row.resource,
    row.liveCode === "" ? "allowed" : row.liveCode,
    row.shadowCode === "" ? "allowed" : row.shadowCode,
    row.clause,
  ]);
  return `${head}${tableOf([["ROW", "TIME", "DECISION", "", "RESOURCE", "LIVE", "SHADOW", "BY"], ...told])}`;
}

function sentenceOf({ order, isActive, until, problem }: ShadowState): string {
  if (order === undefined || order.digest === "") return "no bundle is in shadow";
  const brought = `${order.differences} differences`;
  if (problem !== undefined)
    return `in shadow ${order.digest}, but it cannot be opened: ${problem}; ${brought}`;
  if (!isActive) return `was in shadow ${order.digest}; ${brought}`;
  const end = until === undefined ? "" : ` until ${formatInstant(until)}`;
  return `in shadow ${order.digest}${end}; ${brought}`;
}
