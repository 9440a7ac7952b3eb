/** Which certificates does this broker have in files? Its own for TLS, and those that the configuration watches. */
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import type { FileCertificate } from "../../posture/credentials/ports.ts";
import { bytesOf } from "./named-files.ts";
import type { LoadedConfig } from "./settings.ts";

/** Reads them anew at each call. @throws {@link Fault} `file/unusable`, `endorsement/malformed`. */
export function certificateFilesOf({ config, at }: Pick<LoadedConfig, "config" | "at">) {
  return async (): Promise<readonly FileCertificate[]> => {
    const { tls } = config.listen;
    const own = tls === undefined ? [] : await certificatesIn(at(tls.certFile));
    const watched: FileCertificate[] = [];
    for (const { name, file, owner, breaks } of config.watched) {
      const about = {
        ...(owner === undefined ? {} : { owner }),
        ...(breaks === undefined ? {} : { breaks }),
      };
      const found = await certificatesIn(at(file)); // in order: few
      watched.push(
        ...found.map((der, i) => ({ ...about, kind: "watched" as const, name: nameOf(name, i), der })),
      );
    }
    return [
      ...own.map((der, i) => ({ kind: "broker-tls" as const, name: nameOf("own", i), der })),
      ...watched,
    ];
  };
}

/** The first is the one that the file is for; behind it stand its authorities. */
function nameOf(name: string, index: number): string {
  return index === 0 ? name : `${name}/authority-${index}`;
}

async function certificatesIn(path: string): Promise<readonly Uint8Array[]> {
  return parseEndorsementFile(await bytesOf(path)).certificates;
}
