/** What is said of secrets that came, and how long their plaintext lives. The words are the same whatever the secret is for. */
import { formatInstant } from "../base/time.ts";
import type { FetchedSecrets, FetchSecrets, ProvenBroker, SecretRequest } from "./agent-session.ts";

/** Plaintext lives as long as `use` and no longer. */
export async function withSecrets<T>(
  edges: { readonly fetchSecrets: FetchSecrets },
  request: SecretRequest,
  use: (fetched: FetchedSecrets) => Promise<T>,
): Promise<T> {
  const fetched = await edges.fetchSecrets(request);
  try {
    return await use(fetched);
  } finally {
    for (const { secret } of fetched.secrets) secret.fill(0);
  }
}

/** For `--json`: never the secret. */
export function factsOf({ decision, broker, secrets }: FetchedSecrets) {
  return {
    decision,
    ...(broker === undefined ? {} : { broker: provenFactsOf(broker) }),
    secrets: secrets.map(({ secretId, version, lease, reattestSeconds, secret }) => ({
      path: secretId,
      version,
      ...(lease === undefined ? {} : { lease: { ...lease, until: formatInstant(lease.until) } }),
      ...(reattestSeconds === undefined ? {} : { reattestSeconds }),
      bytes: secret.length,
    })),
  };
}

function provenFactsOf({ tier, measurement, product, reportedTcb, ...rest }: ProvenBroker) {
  const { cluster, policyRoot, isSimulated: simulated } = rest;
  return { tier, measurement, product, reportedTcb, cluster, policyRoot, simulated };
}

/** For people, one line a secret. */
export function sentenceOf({ decision, broker, secrets }: FetchedSecrets): string {
  const proven = broker === undefined ? "" : provenSentenceOf(broker);
  const released = secrets
    .map(({ secretId, version, lease, reattestSeconds: reattest }) => {
      const held =
        lease === undefined ? "" : `, held until ${formatInstant(lease.until)} under fence ${lease.fence}`;
      const again = reattest === undefined ? "" : `, to be asked for again within ${reattest} s`;
      return `ostiary: ${secretId} version ${version}, decision ${decision}${held}${again}\n`;
    })
    .join("");
  return `${proven}${released}`;
}

function provenSentenceOf({ tier, measurement, isSimulated }: ProvenBroker): string {
  const by = isSimulated ? "a simulated chip" : "its chip";
  return `ostiary: the broker proved itself (tier ${tier}, ${by}): measurement ${measurement}\n`;
}
