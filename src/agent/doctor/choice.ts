/** Which provider would `--provider auto` take here, and why not another? One finding for each, from what was found of it. */
import type { HardwareProvider, ProviderCandidate } from "../providers/detect.ts";
import { type Finding, finding } from "./finding.ts";

const IDS: readonly { readonly id: string; readonly provider: HardwareProvider }[] = [
  { id: "choice.configfs-tsm", provider: "configfs-tsm" },
  { id: "choice.sev-guest", provider: "sev-guest" },
  { id: "choice.azure-vtpm", provider: "azure-vtpm" },
  { id: "choice.svsm", provider: "svsm" },
];

/** One that is missing is a note: a guest needs one of them, and `evidence.report` says whether it has one. */
export function choiceFindings(candidates: readonly ProviderCandidate[]): readonly Finding[] {
  const chosen = candidates.find(({ usable }) => usable)?.provider;
  return IDS.flatMap(({ id, provider }) => {
    const candidate = candidates.find((one) => one.provider === provider);
    if (candidate === undefined) return [];
    const { usable, why, next } = candidate;
    const place = usable ? `${provider === chosen ? "chosen" : "usable"}: ` : "";
    return [
      finding(id, usable ? "ok" : "note", {
        seen: `${place}${why}`,
        expected: `the provider ${provider}, or one before it`,
        ...(next === undefined ? {} : { next }),
      }),
    ];
  });
}
