/** `ostiary writ …`: the policy language on files. No broker is needed. */
import { type Command, Misuse } from "../command.ts";
import { CHECK } from "../writ/check.ts";
import { DIFF } from "../writ/diff.ts";
import { EXPLAIN } from "../writ/explain.ts";
import { EXPORT } from "../writ/export.ts";
import { FMT } from "../writ/fmt.ts";
import { LINT } from "../writ/lint.ts";
import { SHOW } from "../writ/show.ts";
import { TEST } from "../writ/test.ts";
import type { WritEdges, WritVerb } from "../writ/verb.ts";

const VERBS: readonly WritVerb[] = [CHECK, LINT, FMT, TEST, EXPLAIN, DIFF, SHOW, EXPORT];

const COMMON = [
  ["--root DIR", "where imports start; the folder of the first FILE"],
  ["--json", "diagnostics, the decision or the differences as JSON"],
  ["--sarif", "diagnostics as SARIF 2.1.0, for code scanning"],
] as const;

const REST = `REQUEST is JSON facts ({ "request.resource": "prod/db/key", "now": "2026-09-10T12:00:00Z", … }), an SEV-SNP report,
where --set gives the rest, a decision (decision show ID --json), or the name of a test in a FILE, which is judged by what that test loads. FILE and REQUEST may be -, standard input.

Exit status: 0 fine or allowed, 1 errors in sources, refused, or access widens, 2 misuse, 3 a file cannot be used.`;

export function createWritCommand(edges: Omit<WritEdges, "terminal">): Command {
  return {
    name: "writ",
    summary: `the policy language on files: ${VERBS.map(({ name }) => name).join(", ")}`,
    usage: usageOf(VERBS),
    run: async ([name, ...rest], terminal) => {
      const verb = VERBS.find((one) => one.name === name);
      if (verb !== undefined) return verb.run(rest, { ...edges, terminal });
      throw new Misuse(`expected one of ${VERBS.map((one) => one.name).join(", ")} after \`writ\``);
    },
  };
}

function usageOf(verbs: readonly WritVerb[]): string {
  const synopses = verbs.map(({ synopsis: [words, does] }) => `${`ostiary writ ${words}`.padEnd(41)}${does}`);
  const options = [...verbs.flatMap((verb) => verb.options), ...COMMON];
  const lines = options.map(([option, does]) => `  ${option.padEnd(20)}${does}`);
  return [...synopses, "", ...lines, "", REST].join("\n");
}
