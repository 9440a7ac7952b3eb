/** What is each figure of a report? One sentence, which stands beside the figure wherever it is shown. */
export const DEFINITIONS = {
  timeToDetect:
    "MTTD, time to detect: from when a finding came to be (by the certificate, change, bulletin or evidence itself) to the scan that first saw it, of all detected in the window that have an origin; what nobody has seen yet is in no figure",
  timeToRemediate:
    "MTTR, time to remediate: from the scan that first saw it to the scan that saw its subject good or gone, of all that ended in the window; open ones are not in it, which makes it too short while many are open",
  survival:
    "estimated time to remediate (Kaplan-Meier): of all detected in the window, with open ones counted as lasting at least until now; the time within which half, or nine in ten, end; `not reached` where too many are open to tell",
  open: "open now, whenever they were detected; whoever acknowledged one changed nothing of it",
  ageOfOpen: "from the scan that first saw it until now, of all that are open",
  recurrences:
    "how often one was there again after its end: within a week it is the same finding, whose clock runs on, later another one",
  withoutOrigin: "detected, but nothing says when it came to be: in no time to detect",
  gone: "ended because the subject is no more, and not because it was mended",
  p50: "p50 and p90 are values that occurred (nearest rank): half, and nine in ten, are no longer; mean is the arithmetic mean",
  scans:
    "a scan sees a change at its next turn, so that no time to detect is shorter than what is left until then",
} as const;
