/** May a bundle follow the one before it? The gate is recomputed from both sources, and what people said is counted against it. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Bundle, loadBundle } from "../policy/bundle.ts";
import { peopleOf, type Roster } from "../policy/roster.ts";
import { type Ballot, type Judgement, judge } from "./approvals.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import type { Store } from "./store.ts";
import type { BrokerSettings } from "./world.ts";

export interface JudgeSources {
  readonly store: Pick<Store, "bundle" | "approvalsOf">;
  readonly primitives: Primitives;
  readonly settings: BrokerSettings;
}

/** The turn, the moment and the people of an activation. */
export interface Turn {
  readonly serial: number;
  /** Unix seconds. */
  readonly at: number;
  readonly roster: Roster;
}

export interface JudgedBundle {
  readonly ballot: Ballot;
  readonly judgement: Judgement;
}

/**
 * Judges a bundle whose signatures were opened.
 *
 * @throws {@link Fault} `admin/forbidden` where it changes what none of its authors reaches; `policy/unknown` where the bundle before it is gone.
 */
export async function judgedBundle(
  { bundle, signers }: OpenedBundle,
  { serial, at, roster }: Turn,
  sources: JudgeSources,
): Promise<JudgedBundle> {
  const { store, primitives, settings } = sources;
  const { governance, audience } = settings;
  const { digest, manifest } = bundle;
  const previous = manifest.previous ?? undefined;
  const older = previous === undefined ? undefined : await earlierBundle(previous, sources);
  const prefixes = roster.admins.flatMap(({ under }) => under);
  const { gateOf } = await import("../policy/gate.ts"); // the solver: most starts need none of it
  const gate = gateOf(older, bundle, { governance, prefixes, digest: primitives.digest });
  if (!authorsOf(signers).some(({ under }) => gate.lies(under))) throw beyondAuthor();
  const ballot = { digest, previous, gate, authors: peopleOf(signers), serial, at, audience, roster };
  return { ballot, judgement: await judge(await store.approvalsOf(digest), ballot, primitives) };
}

/**
 * Refuses what lacks approvals. Where one admin may change policy alone and nobody said anything, nothing is compared.
 *
 * @returns How many statements there were, whatever they were worth.
 * @throws {@link Fault} `policy/unapproved`, and as {@link judgedBundle}.
 */
export async function refuseUnapproved(
  opened: OpenedBundle,
  turn: Turn,
  sources: JudgeSources,
): Promise<number> {
  const { digest } = opened.bundle;
  const statements = (await sources.store.approvalsOf(digest)).length;
  const isAlone = sources.settings.governance.approvals === 0 && statements === 0;
  if (isAlone && authorsOf(opened.signers).some(({ under }) => under.length === 0)) return statements;
  const { needs, rejectedBy, isApproved } = (await judgedBundle(opened, turn, sources)).judgement;
  if (isApproved) return statements;
  throw new Fault("policy/unapproved", "expected the approvals that this change needs", {
    digest,
    rejected: rejectedBy.join(", ") || "by nobody",
    lacking:
      needs
        .filter(({ approvals, by }) => by.length < approvals)
        .map(lackOf)
        .join("; ") || "nothing",
  });
}

/** Refuses what none of its authors reaches; an author who reaches every path is asked nothing. @throws {@link Fault} `admin/forbidden`. */
export async function refuseBeyond(opened: OpenedBundle, turn: Turn, sources: JudgeSources): Promise<void> {
  if (authorsOf(opened.signers).some(({ under }) => under.length === 0)) return;
  await judgedBundle(opened, turn, sources);
}

function lackOf({ group, approvals, by }: Judgement["needs"][number]): string {
  return `${approvals - by.length} of ${group ?? "the approvers"}`;
}

function authorsOf(signers: OpenedBundle["signers"]): OpenedBundle["signers"] {
  return signers.filter(({ roles }) => roles.includes("author"));
}

function beyondAuthor(): Fault {
  return new Fault(
    "admin/forbidden",
    "expected a change of what its author's role reaches, and of nothing else",
  );
}

/** Known by its digest, which the bundle after it names: who signed it does not matter any more. */
async function earlierBundle(digest: string, { store, primitives }: JudgeSources): Promise<Bundle> {
  const stored = await store.bundle(digest);
  const bundle = stored && loadBundle(stored.tar, primitives.digest);
  if (bundle?.digest === digest) return bundle;
  throw new Fault("policy/unknown", "the bundle that the next one follows is not in the store", { digest });
}
