/** Is a credential good? One row for each way in which it is not: since when, how bad, in which words. */
import { addSeconds, formatInstant, type Instant } from "../../base/time.ts";
import type { Credential, CredentialKind } from "../../wire/credential-messages.ts";
import type { Severity, Sighting } from "../../wire/finding-messages.ts";
import type { FindingClass } from "../classes.ts";

const HOUR = 3600;
const DAY = 86_400;

/** How long before its end a credential of a kind wants somebody; never more than a third of its whole life. */
const LEAD_SECONDS: Readonly<Partial<Record<CredentialKind, number>>> = {
  ark: 365 * DAY,
  ask: 365 * DAY,
  asvk: 365 * DAY,
  vcek: 90 * DAY,
  vlek: 60 * DAY,
  crl: 7 * DAY,
  "broker-tls": 21 * DAY,
  "provider-root": 180 * DAY,
  "oidc-key": 14 * DAY,
  "agent-ca": 180 * DAY,
  "outgoing-ca": 60 * DAY,
  watched: 30 * DAY,
};

const CRL_OLD_SECONDS = 24 * HOUR;
const UNUSED_SECONDS = 90 * DAY;
const WEAK_HASHES: ReadonlySet<string> = new Set(["MD5", "SHA-1"]);
const MIN_RSA_BITS = 2048;
const MIN_CURVE_BITS = 224;

/** What is wrong with one, by one rule. */
interface Fault {
  readonly severity: Severity;
  readonly introducedAt: Instant | undefined;
  readonly sentence: string;
  readonly advice: string;
}

export interface Rule {
  readonly class: FindingClass;
  /** Whether it has anything to say of such a credential. */
  readonly concerns: (credential: Credential) => boolean;
  readonly judge: (credential: Credential, now: Instant, all: readonly Credential[]) => Fault | undefined;
}

/** Of a kind without a lead time nothing breaks at its end: it was made to be used once. */
function leadOf({ kind, notBefore, notAfter }: Credential): number | undefined {
  const lead = LEAD_SECONDS[kind];
  if (lead === undefined || notAfter === undefined) return undefined;
  return notBefore === undefined ? lead : Math.min(lead, Math.floor((notAfter - notBefore) / 3));
}

const RENEW: Readonly<Partial<Record<CredentialKind, string>>> = {
  crl: "see that AMD's key server or a mirror is reached, or import an offline bundle: `ostiary endorsements import FILE`",
  vcek: "see that AMD's key server is reached, or that hosts bring newer certificates, and update the firmware that it is for",
  vlek: "ask the provider for a newer VLEK",
  "broker-tls": "put a new certificate in its place, and send the broker SIGHUP",
  "oidc-key": "ask the provider for its next key: it signs as soon as it is in its JWK set",
  "agent-ca":
    "give agents the next authority beside this one (`tls_ca`), and only then the broker a certificate of it",
  "outgoing-ca":
    "put the next authority into its file beside this one, before the other side shows a certificate of it",
};

function renewal({ kind }: Credential): string {
  return RENEW[kind] ?? "renew it";
}

export const RULES: readonly Rule[] = [
  {
    class: "credential-expired",
    concerns: (credential) => leadOf(credential) !== undefined,
    judge: (credential, now) => {
      const { notAfter, breaks } = credential;
      if (notAfter === undefined || now <= notAfter) return undefined;
      const sentence = `it ended on ${formatInstant(notAfter)}: ${breaks}`;
      return { severity: "critical", introducedAt: notAfter, sentence, advice: renewal(credential) };
    },
  },
  {
    class: "credential-expiring",
    concerns: (credential) => leadOf(credential) !== undefined,
    judge: (credential, now) => {
      const { notAfter, breaks } = credential;
      const lead = leadOf(credential) ?? 0;
      if (notAfter === undefined) return undefined;
      const from = addSeconds(notAfter, -lead);
      if (now < from) return undefined;
      const isNear = notAfter - now < lead / 3;
      const sentence = `it ends on ${formatInstant(notAfter)}; then ${breaks}`;
      return {
        severity: isNear ? "high" : "medium",
        introducedAt: from,
        sentence,
        advice: renewal(credential),
      };
    },
  },
  {
    class: "credential-weak",
    concerns: ({ bits }) => bits !== undefined,
    judge: ({ algorithm, bits = 0, signedWith = "", since, notBefore }) => {
      const least = algorithm === "RSA" ? MIN_RSA_BITS : MIN_CURVE_BITS;
      const isShort = bits < least;
      const hasWeakHash = WEAK_HASHES.has(signedWith);
      if (!isShort && !hasWeakHash) return undefined;
      const sentence = isShort
        ? `its key is ${algorithm} of ${bits} bits, and fewer than ${least} can be broken`
        : `its signature is over ${signedWith}, of which collisions can be made`;
      const advice = "make another of at least RSA-3072 or P-256, signed over SHA-256";
      return { severity: "high", introducedAt: since ?? notBefore, sentence, advice };
    },
  },
  {
    class: "credential-over-scoped",
    concerns: () => true,
    judge: ({ name, excess, keyFingerprint, since, notBefore }, _now, all) => {
      const twins = all.filter((other) => isTwin({ name, keyFingerprint }, other)).map((other) => other.name);
      if (excess === undefined && twins.length === 0) return undefined;
      const sentence = excess ?? `its key is that of ${twins.join(", ")} as well`;
      const advice = "give each use a key of its own, for no more than it needs";
      return {
        severity: twins.length > 0 ? "high" : "medium",
        introducedAt: since ?? notBefore,
        sentence,
        advice,
      };
    },
  },
  {
    class: "credential-orphaned",
    concerns: () => true,
    judge: ({ neededBy, since, breaks }) => {
      if (neededBy.length > 0) return undefined;
      const sentence = `nothing depends on it; when it ends, this breaks: ${breaks}`;
      return {
        severity: "low",
        introducedAt: since,
        sentence,
        advice: "take it away, or say what it is for",
      };
    },
  },
  {
    class: "credential-unused",
    concerns: ({ kind }) => kind === "admin-key" || kind === "audience" || kind === "vcek" || kind === "vlek",
    judge: ({ lastUsedAt, since, obtainedAt }, now) => {
      const last = lastUsedAt ?? since ?? obtainedAt;
      if (last === undefined || now - last <= UNUSED_SECONDS) return undefined;
      const was =
        lastUsedAt === undefined ? "it was never used" : `it was used last on ${formatInstant(lastUsedAt)}`;
      const advice = "take it away if nobody needs it";
      return { severity: "low", introducedAt: addSeconds(last, UNUSED_SECONDS), sentence: was, advice };
    },
  },
  {
    class: "crl-stale",
    concerns: ({ kind }) => kind === "crl",
    judge: (credential, now) => {
      const { obtainedAt } = credential;
      if (obtainedAt === undefined || now - obtainedAt <= CRL_OLD_SECONDS) return undefined;
      const sentence = `it was fetched on ${formatInstant(obtainedAt)} and not since: what AMD revoked meanwhile is not known, and policies that ask for a younger one refuse`;
      const introducedAt = addSeconds(obtainedAt, CRL_OLD_SECONDS);
      return { severity: "high", introducedAt, sentence, advice: renewal(credential) };
    },
  },
];

/** The three lines may share a root's certificate, and several may believe one authority; one key in two places of one's own is another thing. */
const MAY_BE_TWICE: ReadonlySet<CredentialKind> = new Set([
  ...(["ark", "ask", "asvk", "vcek", "vlek", "crl"] as const),
  ...(["agent-ca", "outgoing-ca"] as const),
]);

function isTwin(
  one: { readonly name: string; readonly keyFingerprint: string | undefined },
  other: Credential,
): boolean {
  return (
    one.keyFingerprint !== undefined &&
    one.name !== other.name &&
    other.keyFingerprint === one.keyFingerprint &&
    !MAY_BE_TWICE.has(other.kind)
  );
}

/** What a rule says of a credential, as a finding. */
export function sightingOf(rule: Rule, credential: Credential, fault: Fault): Sighting {
  const { name, owner, drill, fingerprint, notAfter, algorithm, bits } = credential;
  return {
    class: rule.class,
    subject: name,
    owner,
    ...fault,
    evidence: {
      fingerprint,
      algorithm,
      ...(bits === undefined ? {} : { bits }),
      ...(notAfter === undefined ? {} : { notAfter: formatInstant(notAfter) }),
    },
    ...(drill === undefined ? {} : { drill, introducedAt: credential.since }),
  };
}
