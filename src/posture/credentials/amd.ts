/** Which certificates and CRLs of AMD does this broker use? Those that it fetched, and chips that bring their own, as decisions tell. */

import { describeCertificate } from "../../attestation/endorsement/described.ts";
import { crlNumberOf, roleOf } from "../../attestation/endorsement/profile.ts";
import { type Crl, parseCertificate, parseCrl } from "../../attestation/endorsement/x509.ts";
import { hexOf, utf8 } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import { hasShape, integer, isJsonObject, oneOf, text } from "../../base/shape.ts";
import { parseStrictJson } from "../../base/strict-json.ts";
import { instant } from "../../base/time.ts";
import type { CredentialUse } from "../../broker/credential-store.ts";
import type { CachedEndorsement } from "../../broker/store.ts";
import type { Credential, CredentialKind } from "../../wire/credential-messages.ts";
import { leafName } from "./leaf-name.ts";
import type { InventoryPorts, Source } from "./ports.ts";
import { allUses, type LeafUse } from "./uses.ts";

const PAGE = 200;

export const amdEndorsements: Source = async (ports) => {
  const uses = await allUses(ports.store);
  const fetched = (await allCached(ports)).flatMap((one) => credentialOf(one, uses, ports) ?? []);
  const known = new Set(fetched.map(({ name }) => name));
  const carried = uses.flatMap((use) => (known.has(use.name) ? [] : (carriedLeaf(use, ports) ?? [])));
  return [...fetched, ...carried];
};

type Cached = CachedEndorsement & { readonly key: string };

async function allCached({ store }: InventoryPorts): Promise<readonly Cached[]> {
  const all: Cached[] = [];
  for (let after = ""; ; ) {
    const page = await store.cachedEndorsements(after, PAGE); // in order: page after page
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.key;
  }
}

/** What was put there is verified before; what cannot be read now is a line of the log, and no credential. */
function credentialOf(
  cached: Cached,
  uses: readonly CredentialUse[],
  ports: InventoryPorts,
): Credential | undefined {
  try {
    return cached.key.startsWith("crl/") ? crlOf(cached, uses, ports) : certificateOf(cached, uses, ports);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    ports.log("warn", "endorsement-unreadable", { key: cached.key, code: thrown.code });
    return undefined;
  }
}

const TITLES: Readonly<Record<string, string>> = { milan: "Milan", genoa: "Genoa", turin: "Turin" };

function titleOf(product: string): string {
  return TITLES[product] ?? product;
}

function crlOf(
  { key, der, obtainedAt }: Cached,
  uses: readonly CredentialUse[],
  ports: InventoryPorts,
): Credential {
  const [, kind = "", product = ""] = key.replace(/#\d+$/, "").split("/");
  const crl = parseCrl(der);
  const chips = leavesOf(uses, product);
  return {
    name: `crl/${kind}/${product}`,
    kind: "crl",
    fingerprint: hexOf(ports.primitives.digest("sha256", der)),
    owner: ports.ownerOf("crl"),
    notBefore: crl.thisUpdate,
    ...(crl.nextUpdate === undefined ? {} : { notAfter: crl.nextUpdate }),
    algorithm: "RSA",
    bits: 4096,
    signedWith: "SHA-384",
    scope: `revocation of intermediates on ${titleOf(product)}, number ${numberOf(crl)}`,
    obtainedAt,
    ...usedBy(chips),
    neededBy: [`every guest on ${titleOf(product)}`],
    breaks: `guests on ${titleOf(product)} are refused, unless they bring a younger one`,
  };
}

const CRL_NUMBER = "2.5.29.20";

function numberOf({ extensions }: Crl): string {
  const number = extensions.get(CRL_NUMBER);
  return number === undefined ? "none" : String(crlNumberOf(number.value));
}

function certificateOf(
  { key, der, obtainedAt }: Cached,
  uses: readonly CredentialUse[],
  ports: InventoryPorts,
): Credential | undefined {
  const role = roleOf(parseCertificate(der));
  const described = describeCertificate(der);
  const [, branchOrProduct = "", third = "", tcb = ""] = key.replace(/#\d+$/, "").split("/");
  const product = role?.is === "leaf" ? branchOrProduct : third;
  const common = {
    fingerprint: hexOf(ports.primitives.digest("sha256", der)),
    keyFingerprint: hexOf(ports.primitives.digest("sha256", described.spki)),
    notBefore: described.notBefore,
    notAfter: described.notAfter,
    algorithm: described.key.algorithm,
    ...(described.key.bits === undefined ? {} : { bits: described.key.bits }),
    signedWith: described.signedWith,
    obtainedAt,
  };
  if (role === undefined) return undefined;
  if (role.is === "leaf") {
    const name = leafName(role.kind, { product, holder: third, tcb });
    return {
      ...common,
      ...leafParts(role.kind, name, product, ports),
      ...usedBy(uses.filter((use) => use.name === name)),
    };
  }
  const kind: CredentialKind = role.is === "ark" ? "ark" : role.kind === "vlek" ? "asvk" : "ask";
  return {
    ...common,
    name: kind === "ark" ? `ark/${product}/${branchOrProduct}` : `${kind}/${product}`,
    kind,
    owner: ports.ownerOf(kind),
    scope:
      kind === "ark"
        ? `the root of ${titleOf(product)}`
        : `certificates of ${branchOrProduct === "vlek" ? "providers' keys" : "chips"} on ${titleOf(product)}`,
    ...usedBy(leavesOf(uses, product)),
    neededBy: [`every guest on ${titleOf(product)}`],
    breaks: `guests on ${titleOf(product)} are refused`,
  };
}

function leafParts(kind: "vcek" | "vlek", name: string, product: string, ports: InventoryPorts) {
  const whose = kind === "vcek" ? "this chip at this firmware" : "this provider's fleet at this firmware";
  return {
    name,
    kind,
    owner: ports.ownerOf(kind),
    scope: `reports of ${whose}, on ${titleOf(product)}`,
    neededBy: [`guests on ${whose}`],
    breaks: `guests on ${whose} are refused`,
  };
}

function usedBy(uses: readonly CredentialUse[]): Pick<Credential, "firstUsedAt" | "lastUsedAt"> {
  if (uses.length === 0) return {};
  return {
    firstUsedAt: instant(Math.min(...uses.map(({ firstAt }) => firstAt))),
    lastUsedAt: instant(Math.max(...uses.map(({ lastAt }) => lastAt))),
  };
}

function leavesOf(uses: readonly CredentialUse[], product: string): readonly CredentialUse[] {
  return uses.filter(
    ({ name }) => name.startsWith(`vcek/${product}/`) || name.startsWith(`vlek/${product}/`),
  );
}

// ── what guests bring ───────────────────────────────────────────────────────────────────────────────────────────────

const ABOUT_LIMITS = { maxBytes: 4096, maxDepth: 2, code: "store/incompatible" } as const;
const ABOUT = {
  kind: oneOf("vcek", "vlek"),
  product: text(/^[a-z]{1,16}$/),
  notAfter: integer(0, 253_402_300_799),
};

/** The broker keeps no certificate that came with evidence: how long it is good is among the facts of the decision. */
function carriedLeaf(use: CredentialUse, ports: InventoryPorts): Credential | undefined {
  if (use.about === "") return undefined;
  const about = parseStrictJson(utf8(use.about), ABOUT_LIMITS);
  if (!isLeafUse(about)) return undefined;
  return {
    ...leafParts(about.kind, use.name, about.product, ports),
    fingerprint: "not kept: it came with the evidence",
    notAfter: instant(about.notAfter),
    algorithm: "EC P-384",
    bits: 384,
    signedWith: "SHA-384",
    firstUsedAt: use.firstAt,
    lastUsedAt: use.lastAt,
  };
}

function isLeafUse(value: unknown): value is LeafUse {
  return isJsonObject(value as never) && hasShape(value as never, ABOUT);
}
