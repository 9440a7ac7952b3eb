/** What may evidence be in a test? A good base of the simulator's, any part of which is given otherwise, and the verdict on it. */
import { createHash } from "node:crypto";
import type { Endorsements } from "../../src/attestation/endorsement/chain.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { ProductLine } from "../../src/attestation/snp/product.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import type { LeafPlan, SimulatedRoot } from "../../src/simulator/amd-root.ts";
import type { CertificatePlan } from "../../src/simulator/certificate.ts";
import type { CrlPlan } from "../../src/simulator/crl.ts";
import {
  type ChipPlan,
  createSimulatedChip,
  type ReportPlan,
  type SimulatedChip,
} from "../../src/simulator/sp.ts";
import { codeOfPromise } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const REPORT_DATA = new Uint8Array(createHash("sha512").update("one exchange").digest());
export interface Deviation {
  readonly product?: ProductLine;
  readonly chip?: ChipPlan;
  /** Merged into the chip's leaf. */
  readonly leaf?: Partial<LeafPlan>;
  readonly certificate?: Partial<CertificatePlan>;
  readonly report?: Partial<ReportPlan>;
  readonly crl?: Partial<CrlPlan>;
  /** What is offered beside the report, where it is not leaf, intermediate, ARK and a CRL. */
  readonly offer?: (good: Offer) => Partial<Offer>;
  readonly lowestCrlNumber?: bigint;
}

export interface Offer {
  readonly root: SimulatedRoot;
  readonly chip: SimulatedChip;
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
}

/** `verified`, or the code of the fault. */
export async function verdictOf(deviation: Deviation): Promise<string> {
  const { product = "milan", certificate, crl } = deviation;
  const root = simulatedRoot(product);
  const leaf = { ...deviation.leaf, ...(certificate === undefined ? {} : { certificate }) };
  const chip = createSimulatedChip(root, { ...deviation.chip, leaf });
  const intermediate = chip.kind === "vcek" ? root.ask : root.asvk;
  const good: Offer = {
    root,
    chip,
    certificates: [chip.leaf, intermediate, root.ark],
    crls: [root.crl({ thisUpdate: SIMULATED_NOW, ...crl })],
  };
  const { certificates, crls } = { ...good, ...deviation.offer?.(good) };
  const endorsements: Endorsements = { certificates, crls: crls.map((der) => ({ der })) };
  const lowest = deviation.lowestCrlNumber;
  const options = { ...simulatedTrust(product), lowestCrlNumber: () => lowest };
  const verdict = async () => {
    const report = chip.report({ reportData: REPORT_DATA, ...deviation.report });
    await verifyEvidence(parseEvidence({ format: "raw", report }), endorsements, options);
  };
  return (await codeOfPromise(verdict())) ?? "verified";
}

/** What deviates, how, and the verdict: `verified`, or a code. */
export type Row = readonly [name: string, deviation: Deviation, verdict: string];
