/** Whose approvals do the policies and guards about a resource count? Read from their conditions, once per program. */
import { atomsOf } from "./conditions.ts";
import { createScopeIndex } from "./evaluation/scope-index.ts";
import type { Declaration, Program } from "./program.ts";

/** What `approvals from "group"` is called among the fields, before the group. */
export const APPROVALS_KEY = "approvals:";

/** Makes the look-up: the groups that are counted for a resource, each once, sorted. Nearly every resource has none. */
export function createApprovalGroups({ declarations }: Program): (resource: string) => readonly string[] {
  const counting = declarations
    .map((declaration) => ({ declaration, groups: groupsOf(declaration) }))
    .filter(({ groups }) => groups.length > 0);
  if (counting.length === 0) return () => [];
  const inScope = createScopeIndex(counting);
  return (resource) => [...new Set(inScope(resource).flatMap(({ groups }) => groups))].sort();
}

function groupsOf({ requires, allows, denies }: Declaration): readonly string[] {
  return [...requires, ...allows, ...denies]
    .flatMap(({ when }) => (when === undefined ? [] : atomsOf(when)))
    .filter(({ field }) => field.key.startsWith(APPROVALS_KEY))
    .map(({ field }) => field.key.slice(APPROVALS_KEY.length));
}
