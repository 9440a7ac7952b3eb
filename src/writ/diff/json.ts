/** What of a difference is told to machines? Stable names, everything that the text says, both traces. */
import type { JsonObject } from "../../base/canonical-json.ts";
import type { Decision } from "../decision.ts";
import type { Diff } from "./diff.ts";
import type { Example, ShownField } from "./example.ts";
import type { Expiries } from "./expiry.ts";
import { obligationsText } from "./obligations-text.ts";
import { timeText } from "./value-text.ts";
import type { ModuleChange } from "./versions.ts";

export function diffJson(diff: Diff, changes: readonly ModuleChange[]): JsonObject {
  return {
    verdict: diff.verdict,
    widening: diff.isWidening,
    newImpliesOld: diff.newImpliesOld,
    oldImpliesNew: diff.oldImpliesNew,
    disagreements: diff.disagreements,
    modules: changes.map(changeJson),
    loosened: diff.loosened.map(({ was, resource, decisions }) => ({
      was,
      resource: resource ?? null,
      now: decisions === undefined ? null : obligationsText(decisions.newer.obligations, was),
    })),
    examples: diff.examples.map(exampleJson),
  };
}

export function expiriesJson({ shown, more }: Expiries): JsonObject {
  return {
    moments: shown.map(({ at, ends, diff }) => ({
      at: timeText(at),
      ends,
      verdict: diff.verdict,
      examples: diff.examples.map(exampleJson),
    })),
    more,
  };
}

function changeJson({
  module,
  older,
  newer,
  step,
  verdict,
  objection,
  needsApproval,
}: ModuleChange): JsonObject {
  return {
    module,
    old: older ?? null,
    new: newer ?? null,
    step,
    verdict,
    objection: objection ?? null,
    needsApproval,
  };
}

function exampleJson({
  direction,
  resource,
  usual,
  unusual,
  refusal,
  decisions,
  isConfirmed,
}: Example): JsonObject {
  return {
    direction,
    resource,
    fields: Object.fromEntries([...usual, ...unusual].map(({ field, value }: ShownField) => [field, value])),
    refusal: refusal === undefined ? null : { text: refusal.text, at: refusal.at ?? null },
    old: decisionJson(decisions.older),
    new: decisionJson(decisions.newer),
    confirmed: isConfirmed,
  };
}

function decisionJson({ isAllowed, code, trace }: Decision): JsonObject {
  return { allowed: isAllowed, code: code ?? null, trace };
}
