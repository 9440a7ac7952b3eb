/** How does an HPKE ciphersuite seal a release? `info` names the exchange, the header is the AAD. */
import type { Primitives } from "../base/primitives.ts";
import { type HpkeSuite, openBase, sealBase } from "./hpke.ts";
import { EPHEMERAL_SIZE } from "./kem.ts";
import { releaseInfo } from "./release-key.ts";
import type { OpenPlan, SealPlan, Wrap } from "./wrap.ts";

/** The wrap of a ciphersuite: suites 1 and 2. */
export function hpkeWrap(suite: HpkeSuite): Wrap {
  const { kem } = suite;
  return {
    privateKeySize: kem.privateKeySize,
    publicKeyOf: kem.publicKeyOf,
    // Its few weak keys show only as a shared secret of zeros, which `seal` refuses.
    isHopeless: async (recipient) => recipient.length !== kem.publicKeySize,
    seal: ({ recipient, binder, aad, plaintext, random }: SealPlan, primitives: Primitives) => {
      const ephemeral = random(EPHEMERAL_SIZE);
      return sealBase({ recipient, info: releaseInfo(binder), aad, plaintext, ephemeral }, primitives, suite);
    },
    open: ({ privateKey, binder, aad, enc, ct }: OpenPlan, primitives: Primitives) =>
      openBase({ privateKey, enc, info: releaseInfo(binder), aad, ct }, primitives, suite),
  };
}
