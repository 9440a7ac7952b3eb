/** How does a guest on Node ask a broker until it has an answer, and by which files does it know which broker? */
import { setTimeout as sleep } from "node:timers/promises";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { FetchParts } from "../../client/fetch.ts";
import type { RetryParts } from "../../client/retry.ts";
import { type BrokerAddress, sessionPartsOf } from "./client.ts";
import { pemOf } from "./settings.ts";
import { spkiOfPublicPem } from "./signers.ts";

/** @param onWait - Told what failed, before each wait. */
export function fetchPartsOf(
  address: BrokerAddress,
  provider: EvidenceProvider,
  onWait?: RetryParts["onWait"],
): FetchParts {
  return {
    ...sessionPartsOf(address, provider),
    signalAfter: (milliseconds) => AbortSignal.timeout(Math.ceil(milliseconds)),
    retry: {
      sleep: (milliseconds) => sleep(milliseconds),
      random: Math.random,
      milliseconds: () => performance.now(),
      ...(onWait === undefined ? {} : { onWait }),
    },
  };
}

/** PEM files; each that is not named says nothing. */
export interface KnownByFiles {
  readonly signingKeyFile?: string | undefined;
  readonly tlsAuthoritiesFile?: string | undefined;
  readonly tlsPinFile?: string | undefined;
}

/** @throws {@link Fault} `file/unusable`, `config/invalid`. */
export async function knownByFiles(
  files: KnownByFiles,
): Promise<Pick<BrokerAddress, "signingKey" | "authorities" | "pinnedSpki">> {
  const { signingKeyFile, tlsAuthoritiesFile, tlsPinFile } = files;
  return {
    ...(signingKeyFile === undefined ? {} : { signingKey: spkiOfPublicPem(await pemOf(signingKeyFile)) }),
    ...(tlsAuthoritiesFile === undefined ? {} : { authorities: await pemOf(tlsAuthoritiesFile) }),
    ...(tlsPinFile === undefined ? {} : { pinnedSpki: spkiOfPublicPem(await pemOf(tlsPinFile)) }),
  };
}
