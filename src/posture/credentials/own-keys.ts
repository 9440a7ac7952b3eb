/** Which keys are the broker's own, and those of its admins? What it signs and wraps with, and whom it lets sign. */
import { keyStrengthOf } from "../../attestation/endorsement/described.ts";
import { hexOf, utf8 } from "../../base/bytes.ts";
import { describeRootKey } from "../../broker/root-key.ts";
import type { Account } from "../../policy/accounts.ts";
import type { Credential, CredentialKind } from "../../wire/credential-messages.ts";
import { meets } from "../../writ/patterns.ts";
import type { InventoryPorts, Source } from "./ports.ts";

/** Signing keys, admins, tokens, root keys, keys for imports and audiences. */
export const ownKeys: Source = async (ports) => [
  ...signingKeys(ports),
  ...(await adminKeys(ports)),
  ...(await tokenKeys(ports)),
  ...(await rootKeys(ports)),
  ...(await importKeys(ports)),
  ...(await audiences(ports)),
];

/** What every key with a public half says of itself. */
function keyed(
  kind: CredentialKind,
  name: string,
  key: { readonly spki: Uint8Array },
  { primitives, ownerOf }: InventoryPorts,
) {
  const { algorithm, bits } = keyStrengthOf(key.spki);
  const fingerprint = hexOf(primitives.digest("sha256", key.spki));
  return {
    name: `${kind}/${name}`,
    kind,
    fingerprint,
    keyFingerprint: fingerprint,
    owner: ownerOf(kind),
    algorithm,
    ...(bits === undefined ? {} : { bits }),
  };
}

function signingKeys(ports: InventoryPorts): readonly Credential[] {
  const { signer, ledgerSigner } = ports;
  return [
    {
      ...keyed("signing-key", signer.kid, signer, ports),
      scope: "signs releases, sessions and keys for imports",
      neededBy: ["every guest that has pinned it"],
      breaks: "guests that have pinned it take no answer of this broker",
    },
    {
      ...keyed("ledger-key", ledgerSigner.kid, ledgerSigner, ports),
      scope: "signs heads of the log",
      neededBy: ["every auditor and witness that has its public half"],
      breaks: "no head of the log is signed, and no earlier one can be shown to be of this log",
    },
  ];
}

async function adminKeys(ports: InventoryPorts): Promise<readonly Credential[]> {
  const { admins, accounts } = (await ports.roster()).now;
  return [
    ...admins.map((key) => ({
      ...keyed("admin-key", key.kid, key, ports),
      scope: "every request of an admin, and bundles of policy",
      neededBy: ["the roster of admins"],
      breaks: `\`${key.kid}\` can change nothing here any more`,
    })),
    ...accounts.map((account) => accountOf(account, ports)),
  ];
}

/** It has no key here: how strong it is, its provider knows. */
function accountOf({ kid, issuer, subject, roles }: Account, ports: InventoryPorts): Credential {
  const known = ports.identity?.offered.some((provider) => provider.issuer === issuer) === true;
  return {
    name: `admin-key/${kid}`,
    kind: "admin-key",
    fingerprint: hexOf(ports.primitives.digest("sha256", utf8(`${issuer} ${subject}`))),
    owner: ports.ownerOf("admin-key"),
    algorithm: `sign-in by ${issuer}`,
    scope: `requests of a session as ${roles.join(" and ") || "nothing"}; no statement`,
    neededBy: known ? ["the roster of admins"] : [],
    breaks: known ? `\`${kid}\` comes in no more` : "nothing: the configuration names its provider no more",
  };
}

async function tokenKeys(ports: InventoryPorts): Promise<readonly Credential[]> {
  const { current, published } = await ports.tokenKeys.keys();
  return published.map((key) => ({
    ...keyed("token-key", key.signer.kid, key.signer, ports),
    scope: "signs tokens; its public half is in /.well-known/jwks.json",
    since: key.createdAt,
    neededBy: [
      key.serial === current.serial ? "tokens that are made now" : "tokens that are out, or will be made",
    ],
    breaks: "relying parties take no token that it signed",
  }));
}

/** A key-encryption key is known by its id: nobody here sees it. */
async function rootKeys(ports: InventoryPorts): Promise<readonly Credential[]> {
  const { id, also, left } = await describeRootKey(ports);
  const common = {
    kind: "kek",
    owner: ports.ownerOf("kek"),
    algorithm: "AES-256-GCM-SIV or better",
    bits: 256,
  } as const;
  return [
    {
      ...common,
      name: `kek/${id}`,
      fingerprint: id,
      scope: "wraps every secret and key in the database",
      neededBy: ["every secret and key in the database"],
      breaks: "no secret can be released, and none of them ever again where it has no copy",
    },
    ...also.map(
      (other): Credential => ({
        ...common,
        name: `kek/${other}`,
        fingerprint: other,
        scope: "opens what is not wrapped under the newer key yet",
        neededBy: left > 0 ? [`${left} versions of secrets that are not under ${id} yet`] : [],
        breaks:
          left > 0
            ? `up to ${left} versions of secrets can be released no more`
            : "nothing of this database; old backups open by it",
      }),
    ),
  ];
}

async function importKeys(ports: InventoryPorts): Promise<readonly Credential[]> {
  const keys = await ports.store.importKeys();
  return keys.map((key) => ({
    name: `import-key/${key.id}`,
    kind: "import-key",
    fingerprint: hexOf(ports.primitives.digest("sha256", key.publicKey)),
    owner: ports.ownerOf("import-key"),
    notBefore: key.createdAt,
    notAfter: key.expiresAt,
    since: key.createdAt,
    algorithm: key.suite === 1 ? "X25519" : "X-Wing (X25519 with ML-KEM-768)",
    bits: 256,
    scope: "one secret is sealed to it on its way in",
    neededBy: [`whoever ${key.createdBy} gave it to`],
    breaks: "nothing: another one is made when it is wanted",
  }));
}

function tokenOf(name: string) {
  return { segments: ["token", name], isOpen: false };
}

/** A token is for an audience, and lives for minutes: what is kept of tokens is whom they may be for. */
async function audiences(ports: InventoryPorts): Promise<readonly Credential[]> {
  const [list, bundle] = [await ports.store.audiences(), await ports.liveBundle()];
  const releases = (name: string): readonly string[] =>
    (bundle?.program.declarations ?? [])
      .filter(
        ({ kind, patterns }) =>
          kind === "policy" && patterns.some((pattern) => meets(pattern, tokenOf(name))),
      )
      .map((policy) => `policy ${policy.name}`);
  return list.map(({ name, aud, isBearer, createdAt }) => ({
    name: `audience/${name}`,
    kind: "audience",
    fingerprint: aud,
    owner: ports.ownerOf("audience"),
    since: createdAt,
    algorithm: "ES256",
    bits: 256,
    scope: `tokens for ${aud}, of at most ${ports.settings.maxTokenSeconds} s`,
    ...(isBearer ? { excess: "its tokens are bound to no key: whoever holds one may use it" } : {}),
    neededBy: releases(name),
    breaks: `guests get no token for ${aud}`,
  }));
}
