/** What does the log say of the evidence behind a decision? Of the evidence of this request, or of the decision whose token is used. */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { BoundEvidence } from "../channel/bind.ts";
import type { ChannelId } from "../channel/bindings.ts";
import type { DecisionEntry } from "../ledger/entry.ts";
import { type HeldDecision, heldMsOf, type TokenHolder } from "./held-decision.ts";
import type { World } from "./world.ts";

/** Which guest a decision is about. */
export interface DecisionSubject {
  /** `report.id`, lower-case hex. */
  readonly reportId: string;
  readonly entry: Pick<
    DecisionEntry,
    "v" | "evidence_hash" | "binding" | "suite" | "vmpl" | "measurement" | "crl" | "held" | "simulated"
  >;
  /** Where no evidence came with the request: the decision whose token is used, and how old its evidence is. */
  readonly held?: { readonly token: string; readonly heldMs: number };
}

export function subjectOf(
  bound: BoundEvidence,
  { binding, suite, vmpl }: Pick<DecisionEntry, "binding" | "suite" | "vmpl">,
  { now, world }: { readonly now: Instant; readonly world: World },
): DecisionSubject {
  const { report, signedBytes } = bound.evidence;
  return {
    reportId: hexOf(report.reportId),
    entry: {
      v: 1,
      evidence_hash: hexOf(world.primitives.digest("sha256", signedBytes)),
      binding,
      suite,
      vmpl,
      measurement: hexOf(report.measurement),
      crl: crlOf(bound, now),
      ...(bound.isSimulated ? { simulated: true } : {}),
    },
  };
}

/** Of a token's use: the evidence is the token's; how the answer is sealed, the request says. */
export function subjectOfToken(
  { held, holder }: { readonly held: HeldDecision<ChannelId>; readonly holder: TokenHolder | undefined },
  suite: DecisionEntry["suite"],
  now: Instant,
): DecisionSubject {
  const { evidence_hash, binding, vmpl, measurement, crl } = held.entry;
  const isSimulated = holder?.claims.ostiary.simulated === true;
  const age = Math.max(0, now - held.at);
  return {
    reportId: held.reportId,
    held: { token: held.token, heldMs: heldMsOf(held, now) },
    entry: {
      v: 2,
      evidence_hash,
      binding,
      suite,
      vmpl,
      measurement,
      crl: { ...crl, age: crl.age + age },
      held: { decision: held.id, age },
      ...(isSimulated ? ({ simulated: true } as const) : {}),
    },
  };
}

function crlOf(bound: BoundEvidence, now: Instant): DecisionEntry["crl"] {
  const { revocation } = bound;
  if (revocation === undefined) throw new Fault("internal/invariant", "a release without revocation data");
  return {
    number: Number(revocation.number),
    thisUpdate: revocation.thisUpdate,
    age: Math.max(0, now - revocation.obtainedAt),
  };
}
