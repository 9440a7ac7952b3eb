/** How long did each step of a request take? One reading of the clock at each beginning, which is the end of the step before. */
import { STEPS, type Step } from "../broker/steps.ts";
import type { Metrics } from "./metrics.ts";

export interface TimedStep {
  readonly step: Step;
  /** Milliseconds of the platform's clock, which never runs backwards. */
  readonly from: number;
  readonly to: number;
}

export interface Timeline {
  readonly step: (step: Step) => void;
  /** Ends the last step; answers all of them, none for a request that never came to one. */
  readonly end: () => readonly TimedStep[];
}

/** A request, once it is over, for whoever tells of requests in spans. Nothing here comes from a body. */
export interface TimedRequest {
  /** ULID; the decision's, where there is one. */
  readonly id: string;
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly code: string | undefined;
  readonly from: number;
  readonly to: number;
  readonly steps: readonly TimedStep[];
  /** A header as a stranger sent it. */
  readonly traceparent: string | undefined;
}

/** Of every step. The label of each is made once. */
const LABELS = new Map(STEPS.map((step) => [step, { step }]));

export function createTimeline(milliseconds: () => number, metrics: Metrics): Timeline {
  const steps: TimedStep[] = [];
  let current: { readonly step: Step; readonly from: number } | undefined;
  const close = (to: number): void => {
    if (current === undefined) return;
    const { step, from } = current;
    metrics.observe("step_seconds", (to - from) / 1000, LABELS.get(step));
    steps.push({ step, from, to });
    current = undefined;
  };
  return {
    step: (step) => {
      const from = milliseconds();
      close(from);
      current = { step, from };
    },
    end: () => {
      if (current !== undefined) close(milliseconds());
      return steps;
    },
  };
}
