/** How does a guest get an attestation result? Decided like a release of the resource `attest`, answered as a signed EAR. */
import { attestationResultOf } from "../attestation/result.ts";
import { base64UrlOf, hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { decide } from "./decide.ts";
import type { AttestAnswer, AttestRequest, Exchange } from "./request.ts";
import { signToken, thumbprintOf } from "./tokens.ts";
import type { World } from "./world.ts";

/**
 * Issues an EAR (draft-ietf-rats-ear) as a JWT bound to the guest's key by `cnf` (PROTOCOL section 7).
 *
 * @throws {@link Fault} any code of PROTOCOL section 5; `request/malformed` without `cnf` or with something wanted.
 */
export async function attest(
  request: AttestRequest,
  exchange: Exchange,
  world: World,
): Promise<AttestAnswer> {
  const { claims } = request;
  if (claims.want.length > 0) throw new Fault("request/malformed", "expected nothing wanted on this path");
  const jkt = thumbprintOf(claims.cnf, world.primitives);

  const wanted = [{ resource: "attest", kind: "attest", version: undefined }] as const;
  const { authorization, bound, nonce, now } = await decide(request, wanted, exchange, world);
  const [item] = authorization.items;
  if (item === undefined) throw new Fault("internal/invariant", "an allowed decision without an item");

  const { audience } = world.settings;
  const token = await signToken(
    {
      iss: audience,
      sub: authorization.allowedBy,
      aud: audience,
      iat: now,
      nbf: now,
      exp: now + item.tokenTtlSeconds,
      jti: authorization.decisionId,
      cnf: { jkt },
      eat_nonce: base64UrlOf(nonce.bytes),
      ...attestationResultOf(bound, {
        status: authorization.isWarning ? "warning" : "affirming",
        policyId: authorization.policyHash,
      }),
      ostiary: {
        binding: request.binding,
        suite: request.suite,
        vmpl: request.vmpl,
        measurement: hexOf(bound.evidence.report.measurement),
        policy_hash: authorization.policyHash,
        ledger_index: authorization.ledgerIndex,
        simulated: bound.isSimulated,
      },
    },
    world.tokenSigner,
  );
  return { decision: authorization.decisionId, token };
}
