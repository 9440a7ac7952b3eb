/** Which messages exist? Arbitraries of every kind of message, for the round trips. */
import fc from "fast-check";
import type { CarriedEvidence, CarriedHostVtpm } from "../../src/attestation/evidence.ts";
import type { CarriedSvsmVtpm } from "../../src/attestation/svsm/vtpm.ts";
import { type Instant, instant } from "../../src/base/time.ts";
import { RECIPE_NAMES, type Recipe } from "../../src/keys/recipe.ts";
import type { TransitOperation } from "../../src/keys/transit-type.ts";
import { ACCOUNT_ROLES } from "../../src/policy/accounts.ts";
import { ROLES } from "../../src/policy/admins.ts";
import { FINDINGS } from "../../src/policy/finding.ts";
import type { WaitingSummary } from "../../src/wire/approval-messages.ts";
import type { PolicyReview, RosterView } from "../../src/wire/governance-messages.ts";
import type * as wire from "../../src/wire/messages.ts";
import type * as secrets from "../../src/wire/secret-messages.ts";
import type { TransitItem } from "../../src/wire/transit.ts";

export function bytes(minLength: number, maxLength = minLength): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength, maxLength });
}

const SEGMENT_ALPHABET = [..."abcXYZ019._~@:+=-"];

const segments = fc
  .string({ unit: fc.constantFrom(...SEGMENT_ALPHABET), minLength: 1, maxLength: 20 })
  .filter((segment) => segment !== "." && segment !== "..");

export const paths = fc
  .array(segments, { minLength: 1, maxLength: 8 })
  .map((list) => list.join("/"))
  .filter((path) => !/^(token(\/.*)?|attest)$/.test(path));

export const instants: fc.Arbitrary<Instant> = fc.integer({ min: 0, max: 253_402_300_799 }).map(instant);
export const names = fc.string({ unit: fc.constantFrom(...SEGMENT_ALPHABET), minLength: 1, maxLength: 40 });
export const digests = fc.string({
  unit: fc.constantFrom(..."0123456789abcdef"),
  minLength: 64,
  maxLength: 64,
});
export const ulids = fc
  .string({ unit: fc.constantFrom(..."0123456789ABCDEFGHJKMNPQRSTVWXYZ"), minLength: 25, maxLength: 25 })
  .map((rest) => `0${rest}`);

const coordinates = fc.string({ unit: fc.constantFrom(..."ABCxyz012-_"), minLength: 43, maxLength: 43 });

const keys: fc.Arbitrary<wire.PublicJwk> = fc.oneof(
  fc.record(
    {
      kty: fc.constant("EC" as const),
      crv: fc.constant("P-256" as const),
      x: coordinates,
      y: coordinates,
      kid: names,
    },
    { requiredKeys: ["kty", "crv", "x", "y"] },
  ),
  fc.record({ kty: fc.constant("OKP" as const), crv: fc.constant("Ed25519" as const), x: coordinates }),
);

const wantedItems: fc.Arbitrary<wire.WantedItem> = fc.oneof(
  fc.record({ secret: paths, version: fc.integer({ min: 1, max: 2 ** 31 }) }, { requiredKeys: ["secret"] }),
  fc.record({ token: fc.record({ aud: names }) }),
);

const wishes = fc.uniqueArray(wantedItems, { maxLength: 16, selector: (item) => JSON.stringify(item) });

export const claims: fc.Arbitrary<wire.Claims> = fc.record(
  { want: wishes, cnf: keys, partial: fc.constant(true as const), purpose: names },
  { requiredKeys: ["want"] },
);

const WRAP_PUB_BYTES = { 1: 32, 2: 1216, 3: 65 } as const;

const endorsements = fc.array(bytes(1, 2000), { minLength: 1, maxLength: 8 });
const pcrs = fc.array(bytes(32), { minLength: 24, maxLength: 24 });

const hostVtpms: fc.Arbitrary<CarriedHostVtpm> = fc.record({
  quote: bytes(1, 200),
  signature: bytes(1, 512),
  pcrs,
  akCertificate: bytes(1, 2000),
});

const svsmVtpms: fc.Arbitrary<CarriedSvsmVtpm> = fc.record(
  {
    ak: bytes(1, 400),
    quote: bytes(1, 200),
    signature: bytes(1, 512),
    pcrs,
    proof: bytes(32),
    eventLog: bytes(1, 3000),
  },
  { requiredKeys: ["ak", "quote", "signature", "pcrs", "proof"] },
);

const evidences: fc.Arbitrary<CarriedEvidence> = fc.oneof(
  fc.record(
    {
      format: fc.constant("raw" as const),
      report: bytes(1, 1500),
      certTable: bytes(1, 3000),
      endorsements,
      hostVtpm: hostVtpms,
    },
    { requiredKeys: ["format", "report"] },
  ),
  fc.record(
    {
      format: fc.constant("azure-hcl" as const),
      hcl: bytes(1, 4096),
      quote: bytes(1, 200),
      signature: bytes(256),
      pcrs,
      eventLog: bytes(1, 3000),
      endorsements,
    },
    { requiredKeys: ["format", "hcl", "quote", "signature", "pcrs"] },
  ),
  fc.record(
    {
      format: fc.constant("svsm" as const),
      report: bytes(1, 1500),
      manifest: bytes(1, 3000),
      endorsements,
      vtpm: svsmVtpms,
    },
    { requiredKeys: ["format", "report", "manifest"] },
  ),
);

/** Everything of a request but its claims, which are drawn apart since they are carried as bytes. */
export const requestsWithoutClaims = fc.constantFrom(1 as const, 2 as const, 3 as const).chain((suite) =>
  fc.record({
    v: fc.constant(1 as const),
    binding: fc.constantFrom(1 as const, 2 as const, 3 as const),
    suite: fc.constant(suite),
    vmpl: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
    nonce: bytes(48),
    ownNonce: bytes(32),
    wrapPub: bytes(WRAP_PUB_BYTES[suite]),
    evidence: evidences,
  }),
);

const bindings: fc.Arbitrary<readonly wire.BindingId[]> = fc.subarray<wire.BindingId>([1, 2, 3], {
  minLength: 1,
});

const rotateSeconds = fc.integer({ min: 60, max: 86_400 * 366 });
const labels = fc.dictionary(fc.stringMatching(/^[a-z0-9][a-z0-9._/-]{0,20}$/), names, {
  maxKeys: 4,
  noNullPrototype: true,
});

export const recipes: fc.Arbitrary<Recipe> = fc.oneof(
  fc.record({ name: fc.constant("bytes" as const), size: fc.integer({ min: 16, max: 65_536 }) }),
  fc.record({ name: fc.constantFrom(...RECIPE_NAMES.filter((name) => name !== "bytes")) }),
);

export const settingsChanges: fc.Arbitrary<secrets.SecretSettingsChange> = fc
  .record(
    {
      bindings,
      current: fc.option(fc.integer({ min: 1 })),
      minimum: fc.integer({ min: 1 }),
      rotateSeconds: fc.option(rotateSeconds),
      retire: fc.boolean(),
      leaseSeconds: fc.option(fc.integer({ min: 60, max: 30 * 86_400 })),
      owner: names,
      labels,
    },
    { requiredKeys: [] },
  )
  .filter((change) => Object.keys(change).length > 0);

export const secretSummaries: fc.Arbitrary<secrets.SecretSummary> = fc.record(
  {
    path: paths,
    kind: fc.constantFrom("static" as const, "generated" as const, "derived" as const, "transit" as const),
    version: fc.integer({ min: 1 }),
    state: fc.constantFrom(
      "enabled" as const,
      "disabled" as const,
      "condemned" as const,
      "destroyed" as const,
    ),
    createdAt: instants,
    createdBy: names,
    make: fc.constantFrom("aes-256", "bytes:32"),
    publicKey: bytes(1, 600),
    destroyAt: instants,
    bindings,
    current: fc.integer({ min: 1 }),
    minimum: fc.integer({ min: 1 }),
    rotateSeconds,
    retire: fc.constant(true as const),
    owner: names,
    labels,
  },
  { requiredKeys: ["path", "kind", "version", "state", "createdAt", "createdBy"] },
);

export const activations: fc.Arbitrary<wire.ActivationSummary> = fc.record({
  serial: fc.integer({ min: 1 }),
  digest: digests,
  at: instants,
  by: names,
});

export const bundleSummaries = fc.record({ digest: digests, proposedAt: instants, proposedBy: names });

const prefixes = fc.array(paths, { maxLength: 2 });
const words = fc.array(names, { maxLength: 2 });

const adminKeys = fc.oneof(
  fc.record({ spki: bytes(44) }),
  fc.record({
    spki: fc.oneof(bytes(44), bytes(91)),
    webauthn: fc.record({ id: fc.oneof(bytes(16), bytes(1023)), rpId: names, origin: names }),
  }),
);

const admins = fc
  .record({
    kid: names,
    person: names,
    roles: fc.uniqueArray(fc.constantFrom(...ROLES)),
    under: prefixes,
    owns: words,
    isRoot: fc.boolean(),
    key: adminKeys,
  })
  .map(({ key, ...admin }) => ({ ...admin, ...key }));

const accounts = fc.record({
  kid: names,
  issuer: names,
  subject: names,
  person: names,
  roles: fc.uniqueArray(fc.constantFrom(...ACCOUNT_ROLES)),
  under: prefixes,
});

const groups = fc.record({
  name: names,
  paths: prefixes,
  modules: words,
  refsets: words,
  approvals: fc.integer({ min: 1, max: 16 }),
});

export const rosterViews: fc.Arbitrary<RosterView> = fc.record(
  {
    admins: fc.array(admins, { maxLength: 3 }),
    accounts: fc.array(accounts, { maxLength: 2 }),
    groups: fc.array(groups, { maxLength: 2 }),
    approvals: fc.integer({ min: 0, max: 16 }),
    rootThreshold: fc.integer({ min: 1, max: 16 }),
    serial: fc.nat(),
    head: digests,
    live: fc.record({ serial: fc.integer({ min: 1 }), envelope: digests }),
    warnings: words,
  },
  { requiredKeys: ["admins", "accounts", "groups", "approvals", "rootThreshold", "serial", "warnings"] },
);

const statements = fc.record(
  {
    at: instants,
    by: names,
    person: names,
    decision: fc.constantFrom("approve" as const, "reject" as const),
    expires: instants,
    why: names,
  },
  { requiredKeys: ["at", "by"] },
);

const needs = fc.record(
  { group: names, approvals: fc.integer({ min: 1, max: 16 }), by: words },
  { requiredKeys: ["approvals", "by"] },
);

export const policyReviews: fc.Arbitrary<PolicyReview> = fc.record(
  {
    digest: digests,
    previous: digests,
    serial: fc.integer({ min: 1 }),
    finding: fc.constantFrom(...FINDINGS),
    verdict: digests,
    authors: words,
    needs: fc.array(needs, { maxLength: 2 }),
    rejectedBy: words,
    isApproved: fc.boolean(),
    statements: fc.array(statements, { maxLength: 2 }),
    text: fc.string({ unit: "grapheme" }),
    diff: fc.record({ verdict: names }),
    warnings: words,
  },
  {
    requiredKeys: [
      "digest",
      "serial",
      "finding",
      "verdict",
      "authors",
      "needs",
      "rejectedBy",
      "isApproved",
      "statements",
      "text",
      "diff",
      "warnings",
    ],
  },
);

export const waitingLists: fc.Arbitrary<readonly WaitingSummary[]> = fc.array(
  fc.record({
    request: digests,
    resource: paths,
    op: fc.constantFrom("release" as const, "derive" as const),
    report: digests,
    channel: fc.constantFrom(
      "application" as const,
      "ra-tls" as const,
      "tls-exporter" as const,
      "kbs" as const,
    ),
    since: instants,
    at: instants,
    source: names,
    decision: ulids,
    groups: words,
    approvedBy: words,
  }),
  { maxLength: 3 },
);

export const sealedReleases = fc.record({
  header: bytes(1, 300),
  enc: bytes(0, 1120),
  ct: bytes(1, 300),
  sig: bytes(64),
});

const made = fc.record({ version: fc.integer({ min: 1, max: 999_999_999 }), bytes: bytes(1, 200) });
const context = bytes(0, 100);
const message = bytes(0, 200);
const padding = fc.constantFrom("pss" as const, "pkcs1" as const);

/** Items of each operation. */
export const transitItems: Readonly<Record<TransitOperation, fc.Arbitrary<TransitItem>>> = {
  encrypt: fc.record({ operation: fc.constant("encrypt" as const), plaintext: message, context }),
  decrypt: fc.record({ operation: fc.constant("decrypt" as const), made, context }),
  rewrap: fc.record({ operation: fc.constant("rewrap" as const), made, context }),
  datakey: fc.record({
    operation: fc.constant("datakey" as const),
    size: fc.integer({ min: 16, max: 64 }),
    context,
    isWrappedOnly: fc.boolean(),
  }),
  sign: fc.record({ operation: fc.constant("sign" as const), message, padding }),
  hmac: fc.record({ operation: fc.constant("hmac" as const), message }),
  verify: fc.record({ operation: fc.constant("verify" as const), message, made, padding }),
};
