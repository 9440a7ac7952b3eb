/** Which bundle is live? The newest activation, with both its signatures and its sources checked again at load. */
import { hexOf, utf8 } from "../base/bytes.ts";
import { Fault, isFault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import { type Bundle, previousOf } from "../policy/bundle.ts";
import type { Roster, RosterHistory } from "../policy/roster.ts";
import { payloadIn } from "../policy/signatures.ts";
import { ACTIVATION_TYPE, type ActivationStatement, parseActivation } from "../policy/statements.ts";
import { refuseUnapproved } from "./judge-bundle.ts";
import type { LastActs } from "./last-acts.ts";
import { bundleOf, openActivation, openBundle } from "./open-bundle.ts";
import type { Activation, Store } from "./store.ts";
import type { BrokerSettings } from "./world.ts";

export interface BundleSources {
  readonly store: Pick<Store, "liveActivation" | "bundle" | "approvalsOf">;
  readonly primitives: Primitives;
  readonly settings: BrokerSettings;
  readonly roster: () => Promise<RosterHistory>;
  /** What the log's newest head says (`last-acts.ts`). */
  readonly lastActs: () => Promise<LastActs>;
}

/** The bundle that was opened last: facts, which requests may share where they may share nothing else. */
export interface BundleMemory {
  kept?: { readonly activation: Activation; readonly bundle: Bundle };
}

/**
 * Makes the function that answers the live bundle. The activation is read for every decision, so a new one counts at once;
 * the bundle behind it is opened and compiled once.
 *
 * @throws {@link Fault} `policy/bad-signature`, `policy/malformed`, `policy/unknown`; `policy/altered` where a later activation was
 *   seen here or stands in the log, `roster/altered`: then nothing is released.
 */
export function createBundleCache(
  sources: BundleSources,
  memory: BundleMemory = {},
): () => Promise<Bundle | undefined> {
  return async () => {
    const activation = await sources.store.liveActivation();
    const { kept } = memory;
    if (kept !== undefined && activation !== undefined && isSame(kept.activation, activation))
      return kept.bundle;
    if (kept !== undefined && (activation?.serial ?? 0) <= kept.activation.serial) throw cut("was seen here");
    const opened = await openLive(sources);
    if (opened !== undefined) memory.kept = opened;
    return opened?.bundle;
  };
}

function isSame(a: Activation, b: Activation): boolean {
  return a.serial === b.serial && a.digest === b.digest && a.signature === b.signature;
}

async function openLive(sources: BundleSources): Promise<BundleMemory["kept"]> {
  const { policy: logged } = await sources.lastActs(); // first: what is read after it is as new, or newer
  const activation = await sources.store.liveActivation();
  if (activation === undefined) {
    if (logged !== undefined) throw cut("stands in the log");
    return undefined;
  }
  const bundle = await openActivated(activation, sources);
  if (logged !== undefined) await refuseOlder(bundle, logged, sources);
  return { activation, bundle };
}

/** Whoever can write to the database can write rows; only admins' keys can make these two signatures. */
async function openActivated(activation: Activation, sources: BundleSources): Promise<Bundle> {
  const { settings, primitives, store } = sources;
  const envelope = hexOf(primitives.digest("sha256", utf8(activation.signature)));
  const isAccepted = settings.governance.accepts.activation === envelope;
  const statement = parseActivation(payloadIn(activation.signature, ACTIVATION_TYPE));
  refuseOther(statement, activation, settings);
  const under = isAccepted
    ? undefined
    : rosterOf(statement, { serial: activation.serial, envelope }, await sources.roster());
  if (under !== undefined) await openActivation(activation.signature, under, primitives);
  const stored = await store.bundle(activation.digest);
  if (stored === undefined) {
    throw new Fault("policy/unknown", "the activated bundle is not in the store", {
      digest: activation.digest,
    });
  }
  if (under === undefined) return bundleOf(stored.tar, activation.digest, primitives);
  const opened = await openBundle(stored.tar, stored.signature, {
    digest: activation.digest,
    roster: under,
    primitives,
  });
  await stillApproved(refuseUnapproved(opened, { ...statement, roster: under }, sources));
  return opened.bundle;
}

/** What was activated had its approvals: where it lacks them now, somebody wrote to the database. */
async function stillApproved(looking: Promise<unknown>): Promise<void> {
  try {
    await looking;
  } catch (thrown) {
    if (!isFault(thrown) || thrown.code === "store/unavailable") throw thrown;
    throw new Fault(
      "policy/altered",
      `the bundle that is live is not approved: ${thrown.message}`,
      thrown.detail,
    );
  }
}

function refuseOther(
  statement: ActivationStatement,
  { digest, serial }: Activation,
  { audience }: BrokerSettings,
): void {
  const isThisOne =
    statement.digest === digest && statement.serial === serial && statement.audience === audience;
  if (isThisOne) return;
  throw new Fault(
    "policy/bad-signature",
    "expected an activation signed for this bundle, serial and broker",
    {
      expected: digest,
      received: statement.digest,
    },
  );
}

/**
 * The roster that an activation was signed under. One of before counts where the next change of the roster vouches for this very
 * activation: so a key that was removed activates nothing, whatever roster it names.
 */
function rosterOf(
  { roster }: ActivationStatement,
  activation: { readonly serial: number; readonly envelope: string },
  { each, statements }: RosterHistory,
): Roster {
  const under = each.find(({ head }) => head === (roster ?? undefined));
  const next = under && statements[under.serial];
  const isVouched =
    next === undefined ||
    (next.live?.serial === activation.serial && next.live.envelope === activation.envelope);
  if (under !== undefined && isVouched) return under;
  throw new Fault(
    "policy/bad-signature",
    "expected an activation under the admins of now, or one that the change of admins after it vouches for",
  );
}

/** A bundle follows those before it by their hashes: an older one cannot pretend to be newer than what the log says. */
async function refuseOlder(
  bundle: Bundle,
  logged: string,
  { store, primitives }: BundleSources,
): Promise<void> {
  let digest: string | undefined = bundle.digest;
  for (let steps = 0; digest !== undefined && steps < MAX_STEPS; steps += 1) {
    if (digest === logged) return;
    const stored = await store.bundle(digest); // in order: each names the one before
    digest = stored === undefined ? undefined : previousOf(stored.tar, digest, primitives.digest);
  }
  throw cut("stands in the log");
}

/** The log's head is seconds behind at most, and nobody activates so many bundles meanwhile. */
const MAX_STEPS = 64;

function cut(where: string): Fault {
  return new Fault("policy/altered", `an activation that ${where} is gone`);
}
