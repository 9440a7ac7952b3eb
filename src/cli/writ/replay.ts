/** What would these policies have said to requests of the past? Decisions of a log, judged again (WRIT section 8.3). */
import { hexOf, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { isJsonObject } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import type { ChipIds } from "../../keys/chip-ids.ts";
import { type ReplaySides, replayItem } from "../../policy/replay.ts";
import {
  EMPTY_TALLY,
  joinTallies,
  type ReplayedDecision,
  type ReplayTally,
  tallyOf,
} from "../../policy/replay-tally.ts";
import { toldItems } from "../../policy/told-decision.ts";
import { tallyJson } from "../../wire/replay.ts";
import { entryLabels } from "../../writ/entry-labels.ts";
import type { Program } from "../../writ/program.ts";
import type { ExitStatus } from "../command.ts";
import { logLines } from "../log-lines.ts";
import { replayText } from "../policy/replay-text.ts";
import type { WritEdges } from "./verb.ts";

const LINE_LIMITS = { maxBytes: 8 << 20, maxDepth: 256, code: "request/malformed" } as const;
const LINES_PER_STEP = 250;

export interface Replay {
  readonly log: string;
  readonly program: Program;
  /** What the program is compared with; without it, what was decided. */
  readonly against: Program | undefined;
  /** Shows the chips of decisions that hide them; without it, such a decision cannot be judged again. */
  readonly chipIds: ChipIds | undefined;
  readonly isJson: boolean;
}

/** Status 1 where a request would be decided otherwise, or a decision is not what its entry says. Memory stays flat. */
export async function replay(
  { log, program, against, chipIds, isJson }: Replay,
  { terminal, primitives }: WritEdges,
): Promise<ExitStatus> {
  const sides = { newer: sideOf(program), older: against === undefined ? undefined : sideOf(against) };
  let [tally, some]: [ReplayTally, ReplayedDecision[]] = [EMPTY_TALLY, []];
  const count = (): void => {
    tally = joinTallies(tally, tallyOf(some.splice(0)));
    if (terminal.isTty) terminal.err(`\r${tally.decisions} decisions judged again`);
  };
  for await (const line of logLines(log)) {
    some.push(...replayLine(line, { sides, chipIds }, primitives));
    if (some.length >= LINES_PER_STEP) count();
  }
  count();
  if (terminal.isTty) terminal.err("\n");
  terminal.out(isJson ? `${canonicalJson(tallyJson(tally))}\n` : replayText(tally));
  const { gained, lost, changed, tampered, unreproduced } = tally;
  return gained + lost + changed + tampered + unreproduced === 0 ? 0 : 1;
}

/** No bundle: it has decided nothing under a digest. */
function sideOf(program: Program): ReplaySides["newer"] {
  return { digest: "", program, vcpus: entryLabels(program.refsets, "measurement") };
}

/** One decision a line. A line of the decision log has no facts: it failed before any policy was asked. */
function replayLine(
  line: Uint8Array,
  { sides, chipIds }: { readonly sides: ReplaySides } & Pick<Replay, "chipIds">,
  { digest }: WritEdges["primitives"],
): readonly ReplayedDecision[] {
  const value = parseStrictJson(line, LINE_LIMITS);
  if (!isJsonObject(value)) throw malformed();
  const { kind, id, entry, trace } = value;
  if (kind === "refusal") return [];
  const isWhole = typeof id === "string" && isJsonObject(entry) && isJsonObject(trace);
  if (!isWhole || trace["items"] === undefined) throw malformed();
  const { items } = trace;
  const kept = canonicalJson(items);
  const hash = hexOf(digest("sha256", utf8(kept)));
  if (entry["trace_hash"] !== hash || entry["id"] !== id) return [{ id, items: undefined }];
  const decidedBy = typeof entry["policy_hash"] === "string" ? entry["policy_hash"] : null;
  const shown = chipIds === undefined ? items : parseStrictJson(utf8(chipIds.show(kept)), LINE_LIMITS);
  return [{ id, items: toldItems(shown)?.map((item) => replayItem(item, decidedBy, sides)) }];
}

function malformed(): Fault {
  return new Fault(
    "request/malformed",
    "expected one decision a line, as `ostiary decision export` or `decision show --json` tells it",
  );
}
