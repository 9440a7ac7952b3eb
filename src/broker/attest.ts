/** How does a guest get an attestation result? Decided like a release of the resource `attest`, answered as a signed EAR. */
import { Fault } from "../base/fault.ts";
import { recordFailedRelease } from "./commit.ts";
import { type Decided, decide } from "./decide.ts";
import type { AttestAnswer, AttestRequest, Exchange } from "./request.ts";
import { issueToken, tokenSubjectOf } from "./tokens.ts";
import type { World } from "./world.ts";

/**
 * Issues an EAR (draft-ietf-rats-ear) as a JWT for the broker itself, bound to the guest's key by `cnf` (PROTOCOL section 7).
 *
 * @throws {@link Fault} any code of PROTOCOL section 5; `request/malformed` with something wanted.
 */
export async function attest(
  request: AttestRequest,
  exchange: Exchange,
  world: World,
): Promise<AttestAnswer> {
  if (request.claims.want.length > 0) {
    throw new Fault("request/malformed", "expected nothing wanted on this path");
  }
  const wanted = [{ resource: "attest", kind: "attest" }] as const;
  const decided = await decide({ request, exchange, wanted: async () => wanted }, world);
  try {
    return { decision: decided.authorization.decisionId, token: await tokenOf(decided, world) };
  } catch (thrown) {
    await recordFailedRelease(decided.authorization, world);
    throw thrown;
  }
}

async function tokenOf(decided: Decided, world: World): Promise<string> {
  const [item] = decided.authorization.items;
  if (item === undefined) throw new Fault("internal/invariant", "an allowed decision without an item");
  return issueToken(
    { item, aud: world.settings.audience, isBearer: false },
    tokenSubjectOf(decided, world),
    world,
  );
}
