/** How does this broker get its root key from another one? As a guest does: by its own evidence, once, at its start. */
import type { EvidenceProvider } from "../../attestation/provider.ts";
import { Fault, isFault } from "../../base/fault.ts";
import type { Log } from "../../base/log.ts";
import type { Kek } from "../../broker/world.ts";
import { fetchSecrets } from "../../client/fetch.ts";
import type { OpenedRelease } from "../../client/verify-release.ts";
import type { KekParts } from "../../kek/key.ts";
import { openReleasedKek } from "../../kek/peer.ts";
import type { PeerPlace } from "../peer-config.ts";
import { brokersOf, fetchPartsOf, knownByFiles } from "./asking.ts";
import type { BrokerAddress } from "./broker-way.ts";
import type { LoadedConfig } from "./settings.ts";

/** What a key needs that another broker releases to this one. */
export interface AskingParts {
  /** Of this broker's own evidence; `undefined` outside a confidential VM. */
  readonly provider?: EvidenceProvider | undefined;
  /** Told what the start waits for. */
  readonly log?: Log;
}

/**
 * Attests to the other broker and opens what it releases.
 *
 * @throws {@link Fault} `kek/unavailable`, whose `reason` is the code that the exchange ended with; `file/unusable`, `policy/malformed`
 *   for what the configuration names.
 */
export async function openPeerKek(
  peer: PeerPlace,
  loaded: LoadedConfig,
  parts: KekParts & AskingParts,
): Promise<Kek> {
  const { provider, log = () => undefined } = parts;
  if (provider === undefined) {
    throw new Fault(
      "kek/unavailable",
      "expected evidence of this broker to get its root key by: run it in a confidential VM, or set `attestation.provider`",
    );
  }
  const address = await addressOf(peer, loaded);
  const [released] = await fetched(peer, address, { provider, log });
  return openReleasedKek(released?.secret ?? new Uint8Array(0), nameOf(peer), parts);
}

async function fetched(
  peer: PeerPlace,
  address: BrokerAddress,
  { provider, log }: { readonly provider: EvidenceProvider; readonly log: Log },
): Promise<readonly OpenedRelease[]> {
  const want = [{ secret: peer.secret, version: peer.version }];
  const brokers = await brokersOf([address]);
  const fetchParts = fetchPartsOf(provider, ({ fault, milliseconds }) =>
    log("warn", "waiting-for-root-key", { reason: fault.code, ms: Math.round(milliseconds) }),
  );
  try {
    return (await fetchSecrets({ want, brokers, deadlineMs: peer.deadlineSeconds * 1000 }, fetchParts))
      .secrets;
  } catch (thrown) {
    throw refusalOf(peer, thrown);
  }
}

/** What the other broker said stays readable: its operator finds the decision by its id, and this one's the next step. */
function refusalOf(peer: PeerPlace, thrown: unknown): unknown {
  if (!isFault(thrown)) return thrown;
  const reason = thrown.code;
  return new Fault(
    "kek/unavailable",
    `expected the root key from ${nameOf(peer)}, received \`${reason}\`: ${thrown.message}`,
    { ...thrown.detail, reason },
    thrown,
  );
}

function nameOf({ url, secret, version }: PeerPlace): string {
  return `version ${version} of \`${secret}\` at ${url}`;
}

async function addressOf(peer: PeerPlace, loaded: LoadedConfig): Promise<BrokerAddress> {
  const { url, audience } = peer;
  const placed = (path: string | undefined) => path && loaded.at(path);
  const files = {
    signingKeyFile: placed(peer.signingKeyFile),
    tlsAuthoritiesFile: placed(peer.tlsAuthoritiesFile),
    tlsPinFile: placed(peer.tlsPinFile),
  };
  return { url, audience, ...policyOf(peer, loaded), ...(await knownByFiles(files)) };
}

/** A simulator's root counts where the configuration trusts it anyway, in demo mode. */
function policyOf({ policyFile, cluster }: PeerPlace, { config, at }: LoadedConfig): Partial<BrokerAddress> {
  if (policyFile === undefined) return {};
  const { trustSimulatorFile } = config;
  const trust = trustSimulatorFile === undefined ? {} : { trustSimulatorFile: at(trustSimulatorFile) };
  return { brokerPolicy: { file: at(policyFile), cluster, ...trust } };
}
