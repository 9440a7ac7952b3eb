/** What is wanted, and what does policy say of each item? One appraisal per item, all over the same evidence. */
import { addSeconds, type Instant } from "../base/time.ts";
import { CHANNEL_NAMES } from "../channel/binding-names.ts";
import type { Binding, ChannelId, Suite } from "../channel/bindings.ts";
import { derivationInfo, parseDerivation } from "../keys/derivation.ts";
import type { TransitType } from "../keys/transit-type.ts";
import type { Appraisal, AppraisalContext } from "../policy/appraise.ts";
import type { Bundle } from "../policy/bundle.ts";
import type { RequestSubject } from "../policy/request-approvals.ts";
import { appraiseApproved, type ItemApprovals } from "./approved-appraisal.ts";
import type { SecretSettings, SecretVersion } from "./secret-store.ts";
import { ATTEMPT_WINDOW_SECONDS } from "./store.ts";
import type { Wanted } from "./wanted.ts";
import { type WantedLease, wantedLease } from "./wanted-lease.ts";
import type { World } from "./world.ts";

/** An item with its appraisal and, for a secret, the version that would be released. */
export interface AppraisedItem {
  readonly wanted: Wanted;
  readonly appraisal: Appraisal;
  readonly op: "release" | "derive" | "unwrap" | "write";
  /** The enveloped version; `undefined` for an item that is no secret, or a secret that has no such enabled version. */
  readonly stored: SecretVersion | undefined;
  readonly given: Given;
  /** The bindings that the secret may be released over; `undefined` where any will do. */
  readonly bindings: readonly Binding[] | undefined;
  /** `undefined` where any number of guests may hold it. */
  readonly lease: WantedLease | undefined;
  /** There where policy counts people's approvals of this resource. */
  readonly approvals?: ItemApprovals;
}

/**
 * What of a stored version this guest gets: its bytes, or a key derived from them; `none` where its report does not name it. Of a
 * transit key nobody gets anything: it may be `used`, where that is what was wanted.
 */
export type Given =
  | { readonly kind: "bytes" | "kept" }
  /** There never was such a version: no admin took it out of service. */
  | { readonly kind: "absent" }
  /** `reads` is the version that it needs from then on: the one that a ciphertext is moved to, where it is moved. */
  | { readonly kind: "used"; readonly type: TransitType; readonly reads: number }
  /** The version that the guest makes, and holds from then on; `expected` is false where it meant another. */
  | { readonly kind: "written"; readonly reads: number; readonly isExpected: boolean }
  | { readonly kind: "derived"; readonly size: number; readonly info: Uint8Array }
  | { readonly kind: "none"; readonly fields: readonly string[] };

/** A version whose recipe cannot be read gives nothing: its root least of all. */
function givenOf(stored: SecretVersion | undefined, { facts }: Appraisal): Given {
  if (stored?.kind === "transit") return { kind: "kept" };
  if (stored?.kind !== "derived") return { kind: "bytes" };
  const derivation = parseDerivation(stored.make);
  if (derivation === undefined) return { kind: "none", fields: [] };
  const factOf = (field: string): string | undefined => {
    const fact = facts?.get(field);
    return typeof fact === "string" ? fact : undefined;
  };
  const info = derivationInfo(stored, derivation, factOf);
  if (info === undefined) return { kind: "none", fields: derivation.by };
  return { kind: "derived", size: derivation.size, info };
}

export interface ItemsContext {
  readonly wanted: readonly Wanted[];
  /** `report.id` of the guest, lower-case hex. */
  readonly reportId: string;
  readonly suite: Suite;
  readonly binding: ChannelId;
  readonly nonceAgeMs: number;
  /** How old the evidence is; 0 where it came with the request. */
  readonly heldMs: number;
  /** Address of the peer. */
  readonly source: string;
  readonly now: Instant;
  /** The bundle whose policies may count people's approvals; nothing where evidence is held: people approve a guest that shows its own. */
  readonly approvable?: Bundle | undefined;
  /** What the policy answers over the guest's evidence, bound now or held. */
  readonly appraise: (context: AppraisalContext) => Appraisal;
}

/** Appraises every item. Reads the store, judges nothing itself: the outcome is the policy's. */
export async function appraiseItems(context: ItemsContext, world: World): Promise<readonly AppraisedItem[]> {
  const { reportId, suite, binding, nonceAgeMs, heldMs, source, now } = context;
  const since = addSeconds(now, -ATTEMPT_WINDOW_SECONDS);
  return Promise.all(
    context.wanted.map(async (wanted) => {
      const earlier = await world.store.countAttempts(reportId, wanted.resource, since);
      const settings =
        wanted.kind === "secret" ? await world.store.secretSettings(wanted.resource) : undefined;
      const stored = await storedVersionOf(wanted, settings, world);
      const op = stored?.kind === "derived" ? "derive" : "release";
      const asked = {
        now,
        resource: wanted.resource,
        op,
        suite,
        keyVersion: await keyVersionOf(wanted, stored, world),
        channel: CHANNEL_NAMES[binding],
        nonceAgeMs,
        heldMs,
        attempt: earlier + 1,
        source,
        region: world.settings.region,
        environment: world.settings.environment,
        isKekSealed: false,
      } as const;
      const { appraisal, approvals } = await appraiseApproved(
        (people) => context.appraise(people === undefined ? asked : { ...asked, approvals: people }),
        { subject: subjectOf(asked, reportId, world), now, bundle: context.approvable },
        world,
      );
      const { obligations } = appraisal;
      const asking = { path: wanted.resource, reportId, now, obligations, heldMs };
      return {
        wanted,
        op,
        appraisal,
        stored,
        given: (await isAbsent(wanted, stored, world)) ? { kind: "absent" } : givenOf(stored, appraisal),
        bindings: settings?.bindings,
        lease: await wantedLease(settings, asking, world.store),
        ...(approvals === undefined ? {} : { approvals }),
      };
    }),
  );
}

/** What people would approve: who asks for what, and over which channel. */
function subjectOf(
  { resource, op, channel }: Pick<RequestSubject, "resource" | "op" | "channel">,
  report: string,
  { settings }: World,
): RequestSubject {
  return { resource, op, report, channel, audience: settings.audience };
}

/** The version that is named, else the current one: enabled, and not below the minimum. */
async function storedVersionOf(
  wanted: Wanted,
  settings: SecretSettings | undefined,
  world: World,
): Promise<SecretVersion | undefined> {
  if (wanted.kind !== "secret") return undefined;
  return usableVersion({ path: wanted.resource, version: wanted.version }, settings, world);
}

/** Whoever may have it is told that it is not there; a version that was disabled or destroyed is a refusal like any other. */
async function isAbsent(
  wanted: Wanted,
  stored: SecretVersion | undefined,
  { store }: World,
): Promise<boolean> {
  if (wanted.kind !== "secret" || stored !== undefined) return false;
  const { resource, version } = wanted;
  const known = await store.secretVersions(resource);
  return version === undefined ? known.length === 0 : !known.some((head) => head.version === version);
}

/** As a release or a use would have it. */
export async function usableVersion(
  { path, version }: { readonly path: string; readonly version: number | undefined },
  settings: SecretSettings | undefined,
  world: World,
): Promise<SecretVersion | undefined> {
  const stored = await world.store.secretVersion(path, version);
  if (stored?.state !== "enabled" || stored.version < (settings?.minimum ?? 1)) return undefined;
  return stored;
}

/** The version that would be released beside the current one, which `key_version` in a policy may demand. */
async function keyVersionOf(wanted: Wanted, stored: SecretVersion | undefined, world: World) {
  if (wanted.kind !== "secret" || stored === undefined) return undefined;
  const current = wanted.version === undefined ? stored : await world.store.secretVersion(wanted.resource);
  return { wanted: stored.version, current: current?.version };
}
