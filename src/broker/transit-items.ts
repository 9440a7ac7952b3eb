/** What does policy say of each use of a transit key? One appraisal for each version that is named, over the facts of a token's decision. */
import type { Instant } from "../base/time.ts";
import { addSeconds } from "../base/time.ts";
import { BINDING_NAMES } from "../channel/binding-names.ts";
import { canDo, parseTransitType, type TransitOperation } from "../keys/transit-type.ts";
import { appraiseAgain } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import type { TransitItem, TransitRequest } from "../wire/transit.ts";
import { type HeldDecision, heldMsOf } from "./held-decision.ts";
import { type AppraisedItem, type Given, usableVersion } from "./items.ts";
import type { Exchange } from "./request.ts";
import type { SecretSettings, SecretVersion } from "./secret-store.ts";
import { ATTEMPT_WINDOW_SECONDS } from "./store.ts";
import { wantedLease } from "./wanted-lease.ts";
import type { World } from "./world.ts";

export interface AskedUse {
  readonly path: string;
  readonly operation: TransitOperation;
  readonly request: TransitRequest;
  readonly exchange: Exchange;
}

interface Now {
  readonly held: HeldDecision;
  readonly bundle: Bundle | undefined;
  readonly now: Instant;
}

/** One for each item, in order. Reads the store, judges nothing itself. */
export async function appraiseUses(use: AskedUse, at: Now, world: World): Promise<readonly AppraisedItem[]> {
  const { path, request } = use;
  const settings = await world.store.secretSettings(path);
  const current = await usableVersion({ path, version: undefined }, settings, world);
  const since = addSeconds(at.now, -ATTEMPT_WINDOW_SECONDS);
  const attempt = 1 + (await world.store.countAttempts(at.held.reportId, path, since));
  const known = new Map<number | undefined, AppraisedItem>();
  for (const item of request.items) {
    const version = versionNamed(item);
    if (known.has(version)) continue;
    const stored = version === undefined ? current : await usableVersion({ path, version }, settings, world); // in order: few
    known.set(version, await appraised({ use, at, attempt, settings, stored, current }, world)); // and what it waits for
  }
  return request.items.flatMap((item) => known.get(versionNamed(item)) ?? []);
}

/** The version that made a text; for everything that is new the current one. */
function versionNamed(item: TransitItem): number | undefined {
  return "made" in item ? item.made.version : undefined;
}

interface Found {
  readonly use: AskedUse;
  readonly at: Now;
  readonly attempt: number;
  readonly settings: SecretSettings | undefined;
  readonly stored: SecretVersion | undefined;
  readonly current: SecretVersion | undefined;
}

async function appraised(found: Found, { settings: broker, store }: World): Promise<AppraisedItem> {
  const { use, at, attempt, settings, stored, current } = found;
  const { held, bundle, now } = at;
  const { path, operation, request, exchange } = use;
  const given = givenOf(found);
  const appraisal = appraiseAgain(held.facts, bundle, {
    now,
    resource: path,
    op: "unwrap",
    suite: request.suite,
    // What is moved to the current version is an answer of that one.
    keyVersion: stored && {
      wanted: given.kind === "used" ? given.reads : stored.version,
      current: current?.version,
    },
    channel: BINDING_NAMES[held.entry.binding],
    nonceAgeMs: 0,
    attempt,
    source: exchange.source,
    region: broker.region,
    environment: broker.environment,
    isKekSealed: false,
    heldMs: heldMsOf(held, now),
  });
  const wanted = { kind: "use", resource: path, operation } as const;
  const { obligations } = appraisal;
  const asking = { path, reportId: held.reportId, now, obligations, heldMs: heldMsOf(held, now) };
  const lease = await wantedLease(settings, asking, store);
  return { wanted, op: "unwrap", appraisal, stored, given, bindings: settings?.bindings, lease };
}

/** What is no transit key, or one that cannot do this, is as good as absent. */
function givenOf({ use, stored, current }: Found): Given {
  const type = stored?.kind === "transit" ? parseTransitType(stored.make) : undefined;
  const target = use.operation === "rewrap" ? current : stored;
  const isAble = type !== undefined && canDo(type, use.operation);
  return isAble && target !== undefined ? { kind: "used", type, reads: target.version } : { kind: "kept" };
}
