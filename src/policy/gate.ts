/** What does a bundle change, and who has to agree? Found by the solver over all requests, anew by whoever asks (WRIT section 8.1). */
import type { Primitives } from "../base/primitives.ts";
import { moduleChanges } from "../writ/diff/attribution.ts";
import { type Diff, diffPrograms } from "../writ/diff/diff.ts";
import type { ModuleChange } from "../writ/diff/versions.ts";
import type { Pattern, Program } from "../writ/program.ts";
import { openSpace, type Region, type Space } from "../writ/solver/space.ts";
import type { Governance, OwnerGroup } from "./admins.ts";
import { type Bundle, emptySide } from "./bundle.ts";
import { changedModules, grownRefsets, type TwoSides } from "./changed.ts";
import type { Finding } from "./finding.ts";
import { SNP_VOCABULARY } from "./vocabulary.ts";

/** So many people of a group, or of all approvers where no group answers for it, have to approve. */
export interface Need {
  readonly group: string | undefined;
  readonly approvals: number;
}

export interface Gate {
  readonly finding: Finding;
  readonly diff: Diff;
  readonly changes: readonly ModuleChange[];
  /** Modules whose files changed. */
  readonly modules: readonly string[];
  /** Sets that got entries, where nothing else changed: then their owners' word is the approval. */
  readonly refsets: readonly string[];
  readonly needs: readonly Need[];
  /** Whether every request whose answer changes is for a resource under one of the prefixes; all are where there are none. */
  readonly lies: (under: readonly string[]) => boolean;
}

export interface GateTerms {
  readonly governance: Pick<Governance, "groups" | "approvals">;
  /** Prefixes that `lies` will be asked about. */
  readonly prefixes: readonly string[];
  readonly digest: Primitives["digest"];
}

/** Compares a bundle with the one before it; without one, with nothing allowed. Total: what is too large to decide widens. */
export function gateOf(older: Bundle | undefined, newer: Bundle, terms: GateTerms): Gate {
  const { digest, governance } = terms;
  const sides: TwoSides = { older: older?.side ?? emptySide(digest), newer: newer.side };
  const programs = { older: sides.older.program, newer: sides.newer.program };
  const diff = diffPrograms(programs, SNP_VOCABULARY);
  const changes = moduleChanges(sides, diff, { vocabulary: SNP_VOCABULARY, digest });
  const modules = changedModules(sides);
  const isEased = easesReview(programs);
  const isWidening = diff.isWidening || isEased;
  const finding = isWidening ? "widens" : diff.verdict === "equivalent" ? "same" : "narrows";
  const refsets = isWidening ? (grownRefsets(sides) ?? []) : [];
  const reach = reachOf(sides, diff, { isEased, terms });
  const touched = { modules, refsets, reach };
  const isExcused = !changes.some(({ needsApproval }) => needsApproval) && isAttributed(modules, changes);
  const needs = isWidening && !isExcused ? needsOf(touched, governance) : [];
  return { finding, diff, changes, modules, refsets, needs, lies: reach.changeLies };
}

/** From now on a major number would be enough: that is as good as every widening to come. */
function easesReview({ older, newer }: { readonly older: Program; readonly newer: Program }): boolean {
  const reviewed = older.modules.filter(({ widening }) => widening === "review").map(({ name }) => name);
  return newer.modules.some(({ name, widening }) => widening === "major" && reviewed.includes(name));
}

/** A major number of a module that says `widening major` excuses that module's change and no other. */
function isAttributed(modules: readonly string[], changes: readonly ModuleChange[]): boolean {
  return modules.every((name) => changes.some((change) => change.module === name));
}

// ── who answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Touched {
  readonly modules: readonly string[];
  readonly refsets: readonly string[];
  readonly reach: Reach;
}

function needsOf(touched: Touched, { groups, approvals }: GateTerms["governance"]): readonly Need[] {
  if (approvals === 0) return [];
  const ofSets = ownersOfSets(touched.refsets, groups);
  if (ofSets !== undefined) return ofSets.map(needOf);
  const { modules, reach } = touched;
  const owning = groups.filter(
    ({ paths, modules: own }) => own.some((name) => modules.includes(name)) || reach.gainMeets(paths),
  );
  const byModules =
    modules.length > 0 && modules.every((name) => owning.some((one) => one.modules.includes(name)));
  const paths = owning.flatMap((group) => group.paths);
  const isAnswered = owning.length > 0 && (byModules || (paths.length > 0 && reach.gainLies(paths)));
  return [...owning.map(needOf), ...(isAnswered ? [] : [{ group: undefined, approvals }])];
}

/** `undefined` where a set has no owner of its own: then it is judged as any other change. */
function ownersOfSets(
  refsets: readonly string[],
  groups: readonly OwnerGroup[],
): readonly OwnerGroup[] | undefined {
  const owned = refsets.every((set) => groups.some((group) => group.refsets.includes(set)));
  if (refsets.length === 0 || !owned) return undefined;
  return groups.filter((group) => group.refsets.some((set) => refsets.includes(set)));
}

function needOf({ name, approvals }: OwnerGroup): Need {
  return { group: name, approvals };
}

// ── where it reaches ────────────────────────────────────────────────────────────────────────────────────────────────

interface Reach {
  readonly gainMeets: (prefixes: readonly string[]) => boolean;
  readonly gainLies: (prefixes: readonly string[]) => boolean;
  readonly changeLies: (prefixes: readonly string[]) => boolean;
}

/** Asked of the solver where somebody wants to know; not decided is answered for the worse. */
function reachOf(
  { older, newer }: TwoSides,
  diff: Diff,
  { isEased, terms }: { readonly isEased: boolean; readonly terms: GateTerms },
): Reach {
  let opened: { readonly space: Space; readonly gain: Region; readonly change: Region } | undefined;
  const open = () => {
    const prefixes = [...terms.prefixes, ...terms.governance.groups.flatMap(({ paths }) => paths)];
    const programs = [older.program, newer.program];
    const space = openSpace(programs, SNP_VOCABULARY, { patterns: prefixes.flatMap(patternsOf) });
    const [before, after] = [space.allowed(older.program), space.allowed(newer.program)];
    const isPlain = diff.loosened.length === 0 && diff.disagreements === 0 && !isEased;
    const gain = isPlain ? space.without(after, before) : after; // a promise that is broken may be broken anywhere
    opened ??= { space, gain, change: space.or(gain, space.without(before, after)) };
    return opened;
  };
  const lies =
    (which: "gain" | "change") =>
    (prefixes: readonly string[]): boolean => {
      if (prefixes.length === 0) return true;
      const { space, ...regions } = opened ?? open();
      return space.isEmpty(space.without(regions[which], scopeOf(space, prefixes))) === "yes";
    };
  return {
    gainLies: lies("gain"),
    changeLies: lies("change"),
    gainMeets: (prefixes) => {
      if (prefixes.length === 0) return false;
      const { space, gain } = opened ?? open();
      return space.isEmpty(space.and(gain, scopeOf(space, prefixes))) !== "yes";
    },
  };
}

function scopeOf(space: Space, prefixes: readonly string[]): Region {
  return space.scopeOf({ patterns: prefixes.flatMap(patternsOf) });
}

/** The path itself, and every one below it. */
function patternsOf(prefix: string): readonly Pattern[] {
  const segments = prefix.split("/");
  return [
    { segments, isOpen: false },
    { segments, isOpen: true },
  ];
}
