/** What does a broker have to prove to this guest? A policy in a file, compiled, with the roots that may vouch for the broker. */
import { dirname } from "node:path";
import { createChainMemo } from "../../attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../attestation/endorsement/pem.ts";
import { AMD_ROOTS, simulatorRoots } from "../../attestation/endorsement/roots.ts";
import { bundlePathOf, compileBelow } from "../../cli/policy-files.ts";
import type { BrokerExpectation } from "../../client/appraise-broker.ts";
import { loadBundle, packBundle } from "../../policy/bundle.ts";
import { bytesOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";

const MEMO_ENTRIES = 16;

/** What a broker has to prove before it is shown anything. */
export interface BrokerPolicy {
  /** A Writ source whose policies speak of the resource `broker`; what it imports lies beside it. */
  readonly file: string;
  /** Empty, as most operators leave it, unless it is said. */
  readonly cluster?: string;
  /** The privilege level of the broker's report: 0 unless it is said. */
  readonly vmpl?: 0 | 1 | 2 | 3;
  /** Whether each session wants a report of its own (tier 2), and not the one of the hour (tier 1). */
  readonly isFresh?: boolean;
  /** File of a simulator's root, to be trusted beside AMD's: for demonstrations and tests. */
  readonly trustSimulatorFile?: string;
}

/**
 * The policy is packed as a broker packs its own, so that it is compiled and judged by the same code.
 *
 * @throws {@link Fault} `file/unusable`, `policy/malformed`, `endorsement/malformed`.
 */
export async function expectationOf(wanted: BrokerPolicy): Promise<BrokerExpectation> {
  const { file, cluster = "", vmpl = 0, isFresh = false, trustSimulatorFile } = wanted;
  const root = dirname(file);
  const source = { path: bundlePathOf(file, root), text: await bytesOf(file) };
  const { digest } = nodePrimitives;
  const beside = compileBelow([source], root, { digest }).beside.filter(({ path }) => path !== source.path);
  const policy = loadBundle(packBundle([source, ...beside], undefined, digest), digest);
  const simulated = trustSimulatorFile === undefined ? [] : await simulatorRootsOf(trustSimulatorFile);
  const roots = [...AMD_ROOTS, ...simulated];
  return { policy, cluster, vmpl, isFresh, roots, memo: createChainMemo(MEMO_ENTRIES) };
}

async function simulatorRootsOf(file: string) {
  const { certificates } = parseEndorsementFile(await bytesOf(file));
  return simulatorRoots(certificates, nodePrimitives);
}
