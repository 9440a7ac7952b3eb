/** Which certificates lie in files? Of the broker's TLS, of authorities that agents and the broker itself believe, of what is watched here, and of whoever speaks for a cloud. */
import { type DescribedCertificate, describeCertificate } from "../../attestation/endorsement/described.ts";
import type { ProviderAuthorities } from "../../attestation/endorsement/provider-chain.ts";
import { equalBytes, hexOf } from "../../base/bytes.ts";
import type { Credential } from "../../wire/credential-messages.ts";
import type { FileCertificate, InventoryPorts, Source } from "./ports.ts";

export const fileCertificates: Source = async (ports) => {
  const { firmware, hostVtpm } = ports.providers;
  const files = (await ports.files()).map((file) => ({ file, described: describeCertificate(file.der) }));
  return [
    ...eachOnce(files).map((one) => fileCredential(one, { files, ports })),
    ...providerRoots("firmware", firmware, ports),
    ...providerRoots("host-vtpm", hostVtpm, ports),
  ];
};

interface Read {
  readonly file: FileCertificate;
  readonly described: DescribedCertificate;
}

/** An authority that stands behind the broker's own certificate may be named for agents too, with an owner: then it is that one. */
function eachOnce(files: readonly Read[]): readonly Read[] {
  return files.filter(
    ({ file }) =>
      file.scope === undefined ||
      file.kind !== "agent-ca" ||
      !files.some(
        ({ file: other }) =>
          other.kind === "agent-ca" && other.scope === undefined && equalBytes(other.der, file.der),
      ),
  );
}

const SCOPES = {
  "broker-tls": { scope: "TLS of this broker", breaks: "no guest and no admin reaches this broker" },
  "agent-ca": {
    scope: "agents believe it about the TLS of this broker",
    breaks: "no guest whose agent believes nobody else reaches this broker",
  },
  "outgoing-ca": { scope: "this broker believes it", breaks: "this broker does not reach whom it is for" },
  watched: { scope: "watched here", breaks: "what it is for, which the configuration did not say" },
} as const;

/** Whoever believes more authorities than a handful believes whichever of them is fooled first. */
const FEW = 4;

function fileCredential(
  { file, described }: Read,
  { files, ports }: { readonly files: readonly Read[]; readonly ports: InventoryPorts },
): Credential {
  const { scope, breaks } = SCOPES[file.kind];
  const { scope: vouches = scope } = file;
  const names = described.dnsNames.slice(0, 10).join(", ");
  const excess = excessOf(file, described);
  return {
    ...partsOf(described, ports),
    name: `${file.kind}/${file.name}`,
    kind: file.kind,
    owner: file.owner ?? ports.ownerOf(file.kind),
    scope: names === "" ? vouches : `${vouches}: ${names}`,
    ...(excess === undefined ? {} : { excess }),
    neededBy: isInUse({ file, described }, files) ? ["the configuration"] : [],
    breaks: file.breaks ?? breaks,
  };
}

function excessOf({ among = 1 }: FileCertificate, { dnsNames }: DescribedCertificate): string | undefined {
  const wide = dnsNames.filter((name) => name.startsWith("*."));
  if (wide.length > 0) return `it is for any name under ${wide.slice(0, 10).join(", ")}`;
  return among > FEW ? `it is one of ${among} authorities, any of which is believed` : undefined;
}

/** What agents believe has to vouch for the certificate that they are shown, by name; where another ends TLS, nobody here knows that. */
function isInUse({ file, described }: Read, files: readonly Read[]): boolean {
  if (file.kind !== "agent-ca" || file.scope !== undefined) return true;
  const shown = files.filter((one) => one.file.kind === "broker-tls" || one.file.scope !== undefined);
  const isShown = shown.some(
    (one) => one.described.issuer === described.subject || equalBytes(one.file.der, file.der),
  );
  return isShown || !files.some((one) => one.file.kind === "broker-tls");
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
