/** Which of the certificates at hand may stand where in a chain? Each recognised by what it is, in any order. */
import { hexOf } from "../../base/bytes.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import type { ChainMemo, Known } from "./memo.ts";
import { type EndorsementKind, roleOf } from "./profile.ts";
import type { TrustAnchor, TrustAnchors } from "./roots.ts";
import type { Certificate } from "./x509.ts";

/** Bounds the paths that are tried: eight with the evidence, and what was fetched for it. */
const MAX_CERTIFICATES = 16;

export interface Pool {
  readonly leaves: readonly Known<Certificate>[];
  readonly intermediates: readonly Known<Certificate>[];
  /** Only those that a pin accepts. */
  readonly arks: readonly { readonly ark: Known<Certificate>; readonly anchor: TrustAnchor }[];
  /** What is wrong with the rest, for the case that no chain holds. */
  readonly faults: readonly Fault[];
}

/** @throws {@link Fault} `endorsement/malformed` beyond the cap; what is wrong with a single one is in `faults`. */
export function poolOf(certificates: readonly Uint8Array[], kind: EndorsementKind, by: PoolParts): Pool {
  if (certificates.length > MAX_CERTIFICATES) {
    throw new Fault("endorsement/malformed", `expected at most ${MAX_CERTIFICATES} certificates`);
  }
  const places = certificates.map((der) => placeOf(der, kind, by));
  const leaves = places.flatMap((place) => (place.is === "leaf" ? [place.known] : []));
  const intermediates = places.flatMap((place) => (place.is === "intermediate" ? [place.known] : []));
  const arks = places.flatMap((place) =>
    place.is === "ark" ? [{ ark: place.known, anchor: place.anchor }] : [],
  );
  const faults = places.flatMap((place) => (place.is === "unfit" ? [place.fault] : []));
  const missing = Object.entries({ leaf: leaves, intermediate: intermediates, ARK: arks })
    .filter(([, found]) => found.length === 0)
    .map(([name]) => name);
  return {
    leaves,
    intermediates,
    arks,
    faults: missing.length === 0 ? faults : [...faults, absent(missing)],
  };
}

export interface PoolParts {
  readonly memo: ChainMemo;
  readonly roots: TrustAnchors;
  readonly primitives: Primitives;
}

type Place =
  | { readonly is: "leaf" | "intermediate"; readonly known: Known<Certificate> }
  | { readonly is: "ark"; readonly known: Known<Certificate>; readonly anchor: TrustAnchor }
  | { readonly is: "unfit"; readonly fault: Fault };

function placeOf(der: Uint8Array, kind: EndorsementKind, by: PoolParts): Place {
  try {
    const known = by.memo.certificate(der, by.primitives);
    const role = roleOf(known.value);
    if (role === undefined)
      throw new Fault("endorsement/malformed", "expected one of AMD's certificate names");
    if (role.is === "ark") return { is: "ark", known, anchor: anchorOf(known.value, by) };
    if (role.kind !== kind) throw otherKind(kind, role.kind);
    return { is: role.is, known };
  } catch (thrown) {
    if (isFault(thrown)) return { is: "unfit", fault: thrown };
    throw thrown;
  }
}

function absent(names: readonly string[]): Fault {
  return new Fault(
    "endorsement/missing",
    `expected a chain for this report, received no ${names.join(", no ")}`,
  );
}

/** The pin that accepts it. @throws {@link Fault} `endorsement/untrusted-root`. */
export function anchorOf(ark: Certificate, { roots, primitives }: PoolParts): TrustAnchor {
  const fingerprint = hexOf(primitives.digest("sha256", ark.spki));
  const anchor = roots.find(({ spkiSha256 }) => spkiSha256 === fingerprint);
  if (anchor === undefined) {
    throw new Fault("endorsement/untrusted-root", `${ark.commonName} has a key that no trust anchor pins`, {
      received: fingerprint,
    });
  }
  return anchor;
}

function otherKind(expected: EndorsementKind, received: EndorsementKind): Fault {
  const message = `expected endorsements of a ${expected.toUpperCase()}, which signed the report`;
  return new Fault("endorsement/kind-mismatch", message, { expected, received });
}
