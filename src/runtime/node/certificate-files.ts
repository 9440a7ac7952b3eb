/** Which certificates does this broker have in files? Of its TLS, of authorities that it believes itself, and those that the configuration watches. */
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import type { FileCertificate } from "../../posture/credentials/ports.ts";
import type { Config } from "../config.ts";
import { bytesOf } from "./named-files.ts";
import type { LoadedConfig } from "./settings.ts";

/** Reads them anew at each call. @throws {@link Fault} `file/unusable`, `endorsement/malformed`. */
export function certificateFilesOf({ config, at }: Pick<LoadedConfig, "config" | "at">) {
  return async (): Promise<readonly FileCertificate[]> => {
    const all: FileCertificate[] = [];
    for (const file of filesOf(config)) all.push(...foundIn(file, await certificatesIn(at(file.path)))); // in order: few
    return all;
  };
}

interface NamedFile extends Pick<FileCertificate, "kind" | "name" | "scope"> {
  readonly path: string;
  readonly about?: Pick<FileCertificate, "owner" | "breaks">;
}

function filesOf(config: Config): readonly NamedFile[] {
  const { tls } = config.listen;
  return [
    ...(tls === undefined ? [] : [{ kind: "broker-tls" as const, name: "own", path: tls.certFile }]),
    ...config.watched.map(({ name, file, kind, owner, breaks }) => ({
      kind,
      name,
      path: file,
      about: { ...(owner === undefined ? {} : { owner }), ...(breaks === undefined ? {} : { breaks }) },
    })),
    ...believed(config),
  ];
}

/** Whom this broker asks by TLS, where the configuration says by which authorities; by those of the system it asks AMD and providers that admins sign in by. */
function believed({ store, traces, kek, audits, notifies }: Config): readonly NamedFile[] {
  const named = (name: string, path: string | undefined, whom: string): readonly NamedFile[] =>
    path === undefined
      ? []
      : [
          {
            kind: "outgoing-ca",
            name,
            path,
            scope: `vouches for ${whom}`,
            about: { breaks: `this broker does not reach ${whom}` },
          },
        ];
  return [
    ...named("store", store?.caFile, "the database"),
    ...named("traces", traces?.caFile, "the collector of traces"),
    ...[kek.wraps, ...kek.also].flatMap((place, i) =>
      place.kind === "peer"
        ? named(`kek-${i}`, place.tlsAuthoritiesFile, "the broker with the root key")
        : [],
    ),
    ...audits.flatMap(({ name, place }) => named(`audit-${name}`, caOf(place), `the audit sink ${name}`)),
    ...notifies.flatMap(({ name, place }) => named(`notify-${name}`, caOf(place), `whom ${name} notifies`)),
  ];
}

function caOf(place: Config["audits"][number]["place"]): string | undefined {
  return "caFile" in place ? place.caFile : undefined;
}

/** Of a bundle as systems have one, a handful says enough: that it is one. */
const MOST_SHOWN = 8;

function foundIn(file: NamedFile, found: readonly Uint8Array[]): readonly FileCertificate[] {
  const { path: _path, about, ...first } = file;
  if (first.kind !== "outgoing-ca")
    return found.map((der, i) => ({ ...about, ...(i === 0 ? first : behind(first, i)), der }));
  const among = found.length;
  return found.slice(0, MOST_SHOWN).map((der, i) => ({ ...about, ...placed(first, i), among, der }));
}

type Placed = Pick<NamedFile, "kind" | "name" | "scope">;

/** Behind the certificate that a file is for stand its authorities. */
function behind(first: Placed, index: number): Placed {
  if (first.kind !== "broker-tls") return placed(first, index);
  return { ...placed(first, index), kind: "agent-ca", scope: "vouches for the TLS of this broker" };
}

function placed(first: Placed, index: number): Placed {
  return index === 0 ? first : { ...first, name: `${first.name}/authority-${index}` };
}

async function certificatesIn(path: string): Promise<readonly Uint8Array[]> {
  return parseEndorsementFile(await bytesOf(path)).certificates;
}
