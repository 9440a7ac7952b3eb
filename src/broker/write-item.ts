/** What does policy say of a write? One appraisal over the facts of a token's decision, and whether the version is the expected one. */
import { addSeconds, type Instant } from "../base/time.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import { appraiseAgain } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import type { SuiteId } from "../wire/messages.ts";
import { type HeldDecision, heldMsOf } from "./held-decision.ts";
import type { AppraisedItem, Given } from "./items.ts";
import type { SecretHead } from "./secret-store.ts";
import { ATTEMPT_WINDOW_SECONDS } from "./store.ts";
import { wantedLease } from "./wanted-lease.ts";
import type { World } from "./world.ts";

export interface AskedWrite {
  readonly path: string;
  readonly cas: number | undefined;
  readonly suite: SuiteId;
  readonly source: string;
}

interface Now {
  readonly held: HeldDecision;
  readonly bundle: Bundle | undefined;
  readonly now: Instant;
}

/** Reads the store, judges nothing itself. */
export async function appraiseWrite(asked: AskedWrite, at: Now, world: World): Promise<AppraisedItem> {
  const { path, cas, suite, source } = asked;
  const { held, bundle, now } = at;
  const { settings: broker, store } = world;
  const settings = await store.secretSettings(path);
  const newest = (await store.secretVersions(path)).at(-1);
  const since = addSeconds(now, -ATTEMPT_WINDOW_SECONDS);
  const appraisal = appraiseAgain(held.facts, bundle, {
    now,
    resource: path,
    op: "write",
    suite,
    keyVersion: undefined, // what nobody is given yet
    channel: BINDING_NAMES[held.entry.binding],
    nonceAgeMs: 0,
    attempt: 1 + (await store.countAttempts(held.reportId, path, since)),
    source,
    region: broker.region,
    environment: broker.environment,
    isKekSealed: false,
    heldMs: heldMsOf(held, now),
  });
  const wanted = { kind: "write", resource: path, cas } as const;
  const { obligations } = appraisal;
  const { reportId } = held;
  const asking = { path, reportId, now, obligations, heldMs: heldMsOf(held, now) };
  const lease = await wantedLease(settings, asking, store);
  const given = givenOf(newest, cas);
  return { wanted, op: "write", appraisal, stored: undefined, given, bindings: settings?.bindings, lease };
}

/** A root stays what it derives from, and a transit key a key that never leaves: neither takes a version from a guest. */
function givenOf(newest: SecretHead | undefined, cas: number | undefined): Given {
  if (newest?.kind === "derived" || newest?.kind === "transit") return { kind: "kept" };
  const version = newest?.version ?? 0;
  return { kind: "written", reads: version + 1, isExpected: cas === undefined || cas === version };
}
