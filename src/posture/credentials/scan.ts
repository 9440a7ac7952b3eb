/** Which credentials are not good? Every rule over the whole inventory. */
import type { Instant } from "../../base/time.ts";
import type { Look, Scan } from "../../broker/finding-scan.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import { inventoryOf } from "./inventory.ts";
import { RULES, type Rule, sightingOf } from "./judge.ts";
import type { InventoryPorts } from "./ports.ts";

export function createCredentialScan(ports: InventoryPorts, everySeconds: number): Scan {
  return {
    name: "credentials",
    everySeconds,
    look: async (at) => looksAt(await inventoryOf(ports, at), at),
  };
}

/** One look for each rule: at every credential that it concerns, and at no other. */
export function looksAt(inventory: readonly Credential[], at: Instant): readonly Look[] {
  return RULES.map((rule) => lookOf(rule, inventory, at));
}

/** An inventory is whole, so that what is no longer in it is gone. */
function lookOf(rule: Rule, inventory: readonly Credential[], at: Instant): Look {
  const judged = inventory
    .filter(rule.concerns)
    .map((credential) => ({ credential, fault: rule.judge(credential, at, inventory) }));
  return {
    class: rule.class,
    seen: judged.flatMap(({ credential, fault }) =>
      fault === undefined ? [] : [sightingOf(rule, credential, fault)],
    ),
    passed: judged.flatMap(({ credential, fault }) => (fault === undefined ? [credential.name] : [])),
    blind: [],
    isWhole: true,
  };
}
