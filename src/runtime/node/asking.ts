/** How does a guest on Node ask a broker until it has an answer, and by which files does it know which broker? */
import { setTimeout as sleep } from "node:timers/promises";
import type { EvidenceProvider } from "../../attestation/provider.ts";
import type { BrokerWay, FetchParts } from "../../client/fetch.ts";
import { type Group, oneOf, type RetryParts } from "../../client/retry.ts";
import { type BrokerAddress, guestPartsOf, trustedBrokerOf, wayTo } from "./broker-way.ts";
import { pemOf } from "./named-files.ts";
import { spkiOfPublicPem } from "./signers.ts";

/** @param onWait - Told what failed, before each wait. */
export function fetchPartsOf(
  provider: EvidenceProvider,
  onWait?: RetryParts<BrokerWay>["onWait"],
): FetchParts {
  return {
    ...guestPartsOf(provider),
    signalAfter: (milliseconds) => AbortSignal.timeout(Math.ceil(milliseconds)),
    retry: {
      sleep: (milliseconds) => sleep(milliseconds),
      random: Math.random,
      milliseconds: () => performance.now(),
      ...(onWait === undefined ? {} : { onWait }),
    },
  };
}

/**
 * The brokers of a guest, any of which will do: asked in this order, and from then on the one that answered last first. Keep what this
 * gives for as long as the guest asks, since that is where it is remembered.
 *
 * @throws {@link Fault} `file/unusable`, `policy/malformed`, `endorsement/malformed`.
 */
export async function brokersOf(addresses: readonly BrokerAddress[]): Promise<Group<BrokerWay>> {
  const ways = addresses.map(async (address) => {
    const broker = await trustedBrokerOf(address);
    return { url: address.url, broker, open: wayTo(address) };
  });
  return oneOf(await Promise.all(ways));
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
