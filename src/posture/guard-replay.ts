/** Whom would a proposed guard have refused? Every stored decision that allowed, judged by the guard alone over the facts it saw. */
import type { Primitives } from "../base/primitives.ts";
import { factsOfDecision } from "../broker/decision-facts.ts";
import { settle } from "../broker/settle.ts";
import type { Store, StoredDecision } from "../broker/store.ts";
import type { World } from "../broker/world.ts";
import { SNP_VOCABULARY } from "../policy/vocabulary.ts";
import type { FindingReport, Guardrail, GuardrailReplay } from "../wire/finding-messages.ts";
import { compileSources } from "../writ/compile.ts";
import { evaluate } from "../writ/evaluation/evaluator.ts";
import type { Program } from "../writ/program.ts";

interface ReplayPorts extends Pick<World, "chipIds"> {
  readonly store: Pick<Store, "decisionsFrom" | "ledgerSize">;
  readonly primitives: Primitives;
}

/** The newest stretch of the log that is looked at, and how much of it at once. */
const ENTRIES = 5000;
const PAGE = 250;
const MAX_EXAMPLES = 10;

/** Reads the log once, for all guards. */
export async function withReplays(report: FindingReport, ports: ReplayPorts): Promise<FindingReport> {
  const guards = report.guardrails.flatMap((guardrail) => {
    const program = programOf(guardrail, ports);
    return program === undefined ? [] : [{ name: guardrail.class, program, tally: emptyTally() }];
  });
  if (guards.length === 0) return report;
  const size = await ports.store.ledgerSize();
  for (let seq = Math.max(0, size - ENTRIES); ; ) {
    const page = await ports.store.decisionsFrom(seq, PAGE); // in order: page after page
    for (const decision of page) judge(decision, guards, ports);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    seq = last.seq + 1;
  }
  const replays = new Map(guards.map(({ name, tally }) => [name, replayOf(tally)]));
  return {
    ...report,
    guardrails: report.guardrails.map((guardrail) => {
      const replay = replays.get(guardrail.class);
      return replay === undefined ? guardrail : { ...guardrail, replay };
    }),
  };
}

interface Guard {
  readonly program: Program;
  readonly tally: Tally;
}

interface Tally {
  decisions: number;
  readonly refused: string[];
}

function emptyTally(): Tally {
  return { decisions: 0, refused: [] };
}

function replayOf({ decisions, refused }: Tally): GuardrailReplay {
  return { decisions, refused: refused.length, examples: refused.slice(-MAX_EXAMPLES).reverse() };
}

/** What a guard restricts has to be allowed by somebody: here everything is. */
const EVERYTHING = `
policy everything {
  for resource "**"
  allow "all" when vmpl in 0 .. 3
}
`;

function programOf({ stages }: Guardrail, { primitives }: ReplayPorts): Program | undefined {
  const source = stages?.find(({ stage }) => stage === "enforce")?.writ;
  if (source === undefined) return undefined;
  const files = [{ path: "guardrail.writ", text: `${source}${EVERYTHING}` }];
  const options = { vocabulary: SNP_VOCABULARY, digest: primitives.digest };
  return compileSources(files, options).program;
}

/** What the exchange decides is left out of facts that are read back; a guard asks for none of it but resource and time. */
function judge(stored: StoredDecision, guards: readonly Guard[], ports: ReplayPorts): void {
  const entry = settle(stored);
  if (entry.kind !== "decision" || entry.outcome !== "allow") return;
  const facts = factsOfDecision(stored, ports);
  const [first] = entry.items;
  if (facts === undefined || first === undefined) return;
  for (const { program, tally } of guards) {
    const seen = new Map([...facts, [program.resourceField, first.resource], [program.timeField, stored.at]]);
    tally.decisions += 1;
    if (!evaluate(program, seen).isAllowed) tally.refused.push(stored.id);
  }
}
