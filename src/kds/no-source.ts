/** What if AMD's key server may not be asked? Then the evidence brings everything, or the answer is no. */
import { Fault } from "../base/fault.ts";
import type { EndorsementSource } from "../broker/world.ts";

export const NO_SOURCE: EndorsementSource = {
  vcek: async () => undefined,
  intermediates: async () => [],
  crl: async () => {
    throw new Fault(
      "endorsement/crl-missing",
      "expected a CRL with the evidence: the key server is switched off",
    );
  },
};
