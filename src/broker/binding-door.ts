/** What is a request over a binding to whoever decides over it? Its carrier, its suite, and the transcript T. */
import { Fault } from "../base/fault.ts";
import { refuseBadCarrier } from "../channel/ra-tls.ts";
import { wrapOf } from "../channel/suites.ts";
import { type Transcript, transcriptOf } from "../channel/transcript.ts";
import { offeredSuiteOf, refuseUnoffered } from "./challenge.ts";
import type { Door } from "./door.ts";
import type { Exchange, ReleaseRequest } from "./request.ts";
import type { World } from "./world.ts";

/** The way in of PROTOCOL section 4. */
export function bindingDoor(request: ReleaseRequest, exchange: Exchange, world: World): Door<Transcript> {
  const { binding, suite, evidence } = request;
  const { partial, posture } = request.claims;
  return {
    channel: binding,
    suite,
    evidence,
    isPartial: partial === true,
    ...(posture === undefined ? {} : { posture }),
    refuseStranger: async () => {
      refuseUnoffered(binding, exchange);
      await refuseCarrier(request, exchange, world);
      offeredSuiteOf(suite, world.settings);
    },
    nonce: () => request.nonce,
    transcriptOver: ({ kind }) =>
      transcriptOf(transcriptFieldsOf(request, exchange, world), world.primitives, kind),
    refuseHopeless: () => refuseHopeless(request.wrapPub, suite, world),
  };
}

/** Only binding 1 has a carrier of its own: the others are told by what the transcript holds. */
async function refuseCarrier(
  { binding, bodyBytes }: ReleaseRequest,
  { peerCertificate, peerSpki }: Exchange,
  world: World,
): Promise<void> {
  if (binding !== 1) return;
  const carried = { certificate: peerCertificate, spki: peerSpki, body: bodyBytes, now: world.now() };
  await refuseBadCarrier(carried, world.primitives);
}

/** The verifier's own view of T: from the peer come ownNonce, wrapPub, suite, vmpl and the claims bytes, nothing else. */
function transcriptFieldsOf(request: ReleaseRequest, exchange: Exchange, world: World) {
  return {
    role: 1,
    binding: request.binding,
    suite: request.suite,
    vmpl: request.vmpl,
    audience: world.settings.audience,
    nonce: request.nonce,
    ownNonce: request.ownNonce,
    ...carrierFieldsOf(request, exchange, world),
    wrapPub: request.wrapPub,
    claimsHash: world.primitives.digest("sha512", request.claimsBytes),
  } as const;
}

const NONE = new Uint8Array(0);

/** Binding 3 uses nothing of the connection, whatever the connection is; only binding 2 names it. */
function carrierFieldsOf({ binding }: ReleaseRequest, exchange: Exchange, world: World) {
  if (binding === 3) return { cb: NONE, attesterSpki: NONE, peerSpki: world.signer.spki };
  return {
    cb: binding === 2 ? (exchange.cb ?? NONE) : NONE,
    attesterSpki: exchange.peerSpki ?? NONE,
    peerSpki: exchange.ownSpki ?? NONE,
  };
}

async function refuseHopeless(
  wrapPub: Uint8Array,
  suite: ReleaseRequest["suite"],
  { settings, primitives }: World,
): Promise<void> {
  if (await wrapOf(offeredSuiteOf(suite, settings)).isHopeless(wrapPub, primitives)) {
    throw new Fault("channel/bad-key", "expected a one-use public key of the suite, on its curve");
  }
}
