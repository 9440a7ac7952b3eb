/** Which certificates lie in files? That of the broker's TLS, those that the operator watches here, and whom he lets speak for a cloud. */
import { describeCertificate } from "../../attestation/endorsement/described.ts";
import type { ProviderAuthorities } from "../../attestation/endorsement/provider-chain.ts";
import { hexOf } from "../../base/bytes.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import type { FileCertificate, InventoryPorts, Source } from "./ports.ts";

export const fileCertificates: Source = async (ports) => {
  const { firmware, hostVtpm } = ports.providers;
  return [
    ...(await ports.files()).map((file) => fileCredential(file, ports)),
    ...providerRoots("firmware", firmware, ports),
    ...providerRoots("host-vtpm", hostVtpm, ports),
  ];
};

const SCOPES = {
  "broker-tls": { scope: "TLS of this broker", breaks: "no guest and no admin reaches this broker" },
  watched: { scope: "watched here", breaks: "what it is for, which the configuration did not say" },
} as const;

function fileCredential(file: FileCertificate, ports: InventoryPorts): Credential {
  const described = describeCertificate(file.der);
  const wide = described.dnsNames.filter((name) => name.startsWith("*."));
  const { scope, breaks } = SCOPES[file.kind];
  return {
    ...partsOf(described, ports),
    name: `${file.kind}/${file.name}`,
    kind: file.kind,
    owner: file.owner ?? ports.ownerOf(file.kind),
    scope:
      described.dnsNames.length === 0 ? scope : `${scope}: ${described.dnsNames.slice(0, 10).join(", ")}`,
    ...(wide.length === 0 ? {} : { excess: `it is for any name under ${wide.slice(0, 10).join(", ")}` }),
    neededBy: ["the configuration"],
    breaks: file.breaks ?? breaks,
  };
}

const SPEAKS = {
  firmware: "for Google's firmware",
  "host-vtpm": "for vTPMs that hosts run",
} as const;

function providerRoots(
  kind: keyof typeof SPEAKS,
  authorities: ProviderAuthorities,
  ports: InventoryPorts,
): readonly Credential[] {
  return authorities.map(({ der }) => {
    const described = describeCertificate(der);
    const parts = partsOf(described, ports);
    return {
      ...parts,
      name: `provider-root/${kind}/${parts.fingerprint.slice(0, 16)}`,
      kind: "provider-root",
      owner: ports.ownerOf("provider-root"),
      scope: `speaks ${SPEAKS[kind]}`,
      neededBy: ["[providers] of the configuration"],
      breaks: `nobody speaks ${SPEAKS[kind]}: policies that ask for it refuse`,
    };
  });
}

function partsOf(described: ReturnType<typeof describeCertificate>, { primitives }: InventoryPorts) {
  const { der, spki, key, notBefore, notAfter, signedWith, isSelfIssued } = described;
  return {
    fingerprint: hexOf(primitives.digest("sha256", der)),
    keyFingerprint: hexOf(primitives.digest("sha256", spki)),
    notBefore,
    notAfter,
    algorithm: key.algorithm,
    ...(key.bits === undefined ? {} : { bits: key.bits }),
    ...(isSelfIssued ? {} : { signedWith }), // nobody believes one because it signed itself
  };
}
