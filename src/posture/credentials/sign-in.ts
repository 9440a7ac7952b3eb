/** By which keys of OpenID providers do admins sign in? As far as each provider could be asked; what cannot be asked lets nobody in. */
import { describeCertificate, keyStrengthOf } from "../../attestation/endorsement/described.ts";
import { hexOf } from "../../base/bytes.ts";
import { isFault } from "../../base/fault.ts";
import type { ProviderKey } from "../../broker/identity.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import type { InventoryPorts, Source } from "./ports.ts";

export const providerKeys: Source = async (ports) => {
  if (ports.identity === undefined) return [];
  const { accounts } = (await ports.roster()).now;
  const keys = await ports.identity.keys();
  return keys.map((key) => {
    const names = accounts.filter(({ issuer }) => issuer === key.issuer).map(({ kid }) => kid);
    return credentialOf(key, names, ports);
  });
};

function credentialOf(key: ProviderKey, accounts: readonly string[], ports: InventoryPorts): Credential {
  const { name, issuer, spki, algorithms, obtainedAt } = key;
  const { algorithm, bits } = keyStrengthOf(spki);
  const fingerprint = hexOf(ports.primitives.digest("sha256", spki));
  return {
    name,
    kind: "oidc-key",
    fingerprint,
    keyFingerprint: fingerprint,
    owner: ports.ownerOf("oidc-key"),
    ...datesOf(key, ports),
    algorithm,
    ...(bits === undefined ? {} : { bits }),
    scope: `signs ID tokens of ${issuer}: ${algorithms.join(", ") || "by no algorithm that is taken here"}`,
    neededBy: accounts.map((kid) => `account ${kid}`),
    obtainedAt,
    breaks: `nobody signs in by ${issuer} with it; admin keys work as before`,
  };
}

/** Of the certificate that the provider put beside the key: nobody believes it, and somebody meant something by its end. */
function datesOf(
  { certificate, name }: ProviderKey,
  { log }: InventoryPorts,
): Pick<Credential, "notBefore" | "notAfter" | "signedWith"> {
  if (certificate === undefined) return {};
  try {
    const { notBefore, notAfter, signedWith, isSelfIssued } = describeCertificate(certificate);
    return { notBefore, notAfter, ...(isSelfIssued ? {} : { signedWith }) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    log("warn", "certificate-unreadable", { key: name, code: thrown.code });
    return {};
  }
}
