/** What does one decision say of a guest? Facts of its trace and the outcome of its entry; a decision without facts says nothing. */
import { factsOfDecision } from "../../broker/decision-facts.ts";
import { settle } from "../../broker/settle.ts";
import type { StoredDecision } from "../../broker/store.ts";
import type { World } from "../../broker/world.ts";
import type { DecisionEntry } from "../../ledger/entry.ts";
import type { Guest, GuestWord, Levels, SaidPosture } from "../../wire/fleet-messages.ts";
import type { Facts, FactValue } from "../../writ/facts.ts";
import { SETTINGS } from "./settings.ts";

/** A decision in the words of the fleet; what lasts longer than one decision is made by `merge.ts`. */
export type Seen = Omit<
  Guest,
  | "place"
  | "firstAt"
  | "lastAt"
  | "allowedAt"
  | "tcbAt"
  | "decisions"
  | "longestGapSeconds"
  | "weakened"
  | "drift"
  | keyof GuestWord
> & {
  readonly seq: number;
  readonly at: Guest["lastAt"];
  readonly hostData: string;
  /** Whether a token stood for the evidence. */
  readonly isHeld: boolean;
  /** What the guest said of itself. */
  readonly posture?: Omit<SaidPosture, "at">;
};

/** What the fleet knows already where a decision is read. */
export interface Known {
  /** The guest itself, as the decision before left it. */
  readonly own: Guest | undefined;
  /** For a new guest: the one that came last at its place. */
  readonly before: Guest | undefined;
}

/** `undefined` for a decision whose trace has no facts of a report. */
export function seenOf(stored: StoredDecision, ports: Pick<World, "chipIds">): Seen | undefined {
  const entry = settle(stored);
  const facts = factsOfDecision(stored, ports);
  const id = facts?.get("report.id");
  if (entry.kind !== "decision" || facts === undefined || typeof id !== "string") return undefined;
  return {
    ...{ id, seq: stored.seq, at: stored.at, decision: stored.id },
    ...entryParts(entry, stored),
    isHeld: entry.held !== undefined,
    ...wordParts(facts),
    ...hardwareParts(facts, ports),
    settings: Object.fromEntries(
      Object.keys(SETTINGS).flatMap((field) => {
        const value = facts.get(field);
        return typeof value === "boolean" ? [[field, value]] : [];
      }),
    ),
  };
}

function entryParts(entry: DecisionEntry, { at }: StoredDecision) {
  const { outcome, code, policy_hash: policy, measurement, vmpl, items, simulated } = entry;
  const [cameFor = ""] = items.map(({ resource }) => resource).toSorted();
  const refused = items.find((item) => item.outcome === "deny");
  return {
    ...{ outcome, measurement, vmpl, cameFor },
    ...(code === null ? {} : { code }),
    ...(policy === null ? {} : { policy }),
    ...(simulated === undefined ? {} : { simulated }),
    ...(code === "lease-held" && refused !== undefined
      ? { leaseRefused: { at, resource: refused.resource } }
      : {}),
  };
}

function hardwareParts(facts: Facts, { chipIds }: Pick<World, "chipIds">) {
  const [product, silicon] = [textOf(facts.get("product")), textOf(facts.get("silicon"))];
  const firmware = facts.get("firmware.version");
  const chip = textOf(facts.get("report.chip_id")) ?? textOf(facts.get("endorsement.csp_id"));
  return {
    hostData: textOf(facts.get("host_data")) ?? "",
    ...(product === undefined ? {} : { product }),
    ...(silicon === undefined ? {} : { silicon }),
    ...(Array.isArray(firmware) ? { firmware: firmware.join(".") } : {}),
    ...firmwareParts(facts),
    ...(chip === undefined ? {} : { chip: chipIds?.hide(chip) ?? chip }),
  };
}

function wordParts(facts: Facts): Pick<Seen, "posture"> {
  if (!facts.has("posture.age")) return {};
  const agent = facts.get("posture.agent");
  const listOf = (name: string): readonly string[] => {
    const checks = facts.get(`posture.${name}`);
    return Array.isArray(checks) ? checks.map(String) : [];
  };
  return {
    posture: {
      ...(Array.isArray(agent) ? { agent: agent.join(".") } : {}),
      ...{ passed: listOf("passed"), warned: listOf("warned"), failed: listOf("failed") },
    },
  };
}

function textOf(value: FactValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function firmwareParts(facts: Facts): Pick<Guest, "tcb" | "committedTcb" | "launchTcb"> {
  const [tcb, committedTcb, launchTcb] = [
    levelsOf(facts.get("tcb.reported")),
    levelsOf(facts.get("tcb.committed")),
    levelsOf(facts.get("tcb.launch")),
  ];
  return {
    ...(tcb === undefined ? {} : { tcb }),
    ...(committedTcb === undefined ? {} : { committedTcb }),
    ...(launchTcb === undefined ? {} : { launchTcb }),
  };
}

function levelsOf(value: FactValue | undefined): Levels | undefined {
  if (typeof value !== "object" || !("bootloader" in value)) return undefined;
  const { fmc, bootloader = 0, tee = 0, snp = 0, microcode = 0 } = value;
  return { ...(fmc === undefined ? {} : { fmc }), bootloader, tee, snp, microcode };
}
