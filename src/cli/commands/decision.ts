/** `ostiary decision show ID`: why a guest was let in or refused, clause by clause. */
import { canonicalJson } from "../../base/canonical-json.ts";
import { formatInstant } from "../../base/time.ts";
import { encodeDecisionDetail } from "../../wire/decision.ts";
import type { DecisionDetail } from "../../wire/messages.ts";
import { ADMIN_OPTIONS, ADMIN_USAGE, adminOptionsOf, type OpenAdminSession } from "../admin-session.ts";
import { parseArguments } from "../arguments.ts";
import { type Command, Misuse } from "../command.ts";
import { exportDecisions } from "../decision-export.ts";
import { explainedItems, saidRows } from "../explained-items.ts";
import { tableOf } from "../table.ts";

const USAGE = `ostiary decision show ID…     what was decided under each id, and every clause with what it wanted and got
ostiary decision export [--since TIME] [--until TIME] [--limit N]
                              decisions with their facts, newest first, one a line, for \`writ test --replay\`

The id is the one that the guest was given. What failed before the evidence was genuine and bound is a line of the
decision log: time, source, code. With --json a decision is one line: \`writ explain\` and \`writ test --replay\` read it.

${ADMIN_USAGE}`;

export function createDecisionCommand(open: OpenAdminSession): Command {
  return {
    name: "decision",
    summary: "why a guest was let in or refused, by decision id; many of them for a replay",
    usage: USAGE,
    run: async ([verb, ...rest], terminal) => {
      if (verb === "export") return exportDecisions(rest, open, terminal);
      if (verb !== "show") throw new Misuse("expected `show` or `export` after `decision`");
      const { values, positionals } = parseArguments(rest, ADMIN_OPTIONS);
      if (positionals.length === 0) throw new Misuse("expected an ID after `show`");
      const { client } = await open(adminOptionsOf(values));
      const details: DecisionDetail[] = [];
      for (const id of positionals) details.push(await client.decision(id)); // in order, one after another
      const texts = details.map((one) =>
        values.json === true ? `${encodeDecisionDetail(one)}\n` : textOf(one),
      );
      terminal.out(texts.join(values.json === true ? "" : "\n"));
      return 0;
    },
  };
}

function textOf(detail: DecisionDetail): string {
  const at = formatInstant(detail.at);
  if (detail.kind === "refusal") {
    return tableOf([
      ["refusal", detail.id],
      ["time", at],
      ["source", detail.source],
      ["code", detail.code],
      ["evidence", detail.format],
    ]);
  }
  const { outcome, code, policy_hash: policy, measurement } = detail.entry;
  const head = tableOf([
    ["decision", detail.id],
    ["time", at],
    ["ledger entry", String(detail.seq)],
    ["outcome", `${String(outcome)}${code === null ? "" : ` (${String(code)})`}`],
    ["policy", typeof policy === "string" ? policy : "none"],
    ["measurement", String(measurement)],
    ...saidRows(detail.trace),
  ]);
  const items = explainedItems(detail.trace);
  return `${head}\n${items ?? `${canonicalJson(detail.trace)}\n`}`;
}
