/** Do the library's policies for Google Cloud and EC2 give a guest there its key, and nobody whose provider says something else? */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CarriedRaw } from "../../src/attestation/evidence.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip, type ReportPlan, type SimulatedChip } from "../../src/simulator/sp.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import {
  endorsementOf,
  FOUR_VMSAS,
  HOST_VTPM,
  type HostVtpmPlan,
  hostVtpmOf,
  OTHER_HOST_VTPM,
  simulatedProviders,
} from "../support/provider.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { attemptOf, type GuestBroker, guestBroker, post } from "./guest-at-hand.ts";

const POLICIES = join(import.meta.dirname, "../../policies");
const [BOOTED] = HOST_VTPM.quote({ qualifyingData: new Uint8Array(0) }).pcrs.slice(11);

/** A policy of the library as its owner would change it: these firmwares and boots, the networks of this test, and the suite that it has. */
function changed(name: string, prefix: string): readonly { readonly path: string; readonly text: string }[] {
  const read = (path: string): string => readFileSync(join(POLICIES, path), "utf8");
  const policy = read(name)
    .replace(/within \[.*\]/, 'within ["192.0.2.0/24"]')
    .replace(`"prod/${prefix}/**"`, '"prod/**"')
    .replace("wrap hpke-xwing", "wrap hpke-x25519");
  const images = read("refs/images.writ")
    .replace(/(?<=(?:gce ovmf|ec2 uefi) \/ 4 vcpu" = hex")[0-9a-f]+/g, hexOf(FOUR_VMSAS))
    .replace(/(?<=refset gce_boots[\s\S]*?= hex")[0-9a-f]+/, hexOf(BOOTED ?? new Uint8Array(0)))
    .replace(/^ *valid .*\n/gm, "");
  return [
    { path: name, text: policy },
    { path: "refs/images.writ", text: images },
    { path: "refs/firmware.writ", text: read("refs/firmware.writ") },
  ];
}

async function brokerUnder(name: string, prefix: string): Promise<GuestBroker> {
  const broker = await guestBroker({
    product: "genoa",
    policy: null,
    change: ({ trust }) => ({ trust: { ...trust, providers: simulatedProviders() } }),
  });
  const { admin, adminSigner } = broker;
  const tar = packBundle(changed(name, prefix), undefined, nodePrimitives.digest);
  const { digest } = await admin.proposeBundle({ tar, signature: await signBundle(tar, adminSigner) });
  const signature = await signActivation(
    { digest, serial: 1, audience: AUDIENCE, at: broker.world.now(), roster: null },
    adminSigner,
  );
  await admin.activateBundle(digest, signature);
  return broker;
}

interface Guest {
  readonly chip?: SimulatedChip;
  readonly report?: Partial<ReportPlan>;
  readonly endorsement?: Uint8Array | null;
  readonly hostVtpm?: HostVtpmPlan | null;
}

/** What the broker answers: `allowed`, or the wire code of its no. */
async function answerTo(broker: GuestBroker, guest: Guest): Promise<string> {
  const { chip = broker.chip, report, endorsement, hostVtpm } = guest;
  const more = endorsement == null ? {} : { launchEndorsement: endorsement };
  const certTable = certTableOf(simulatedRoot("genoa"), chip, broker.world.now(), more);
  const of = (binder: Uint8Array): CarriedRaw => ({
    format: "raw",
    report: chip.report({ measurement: FOUR_VMSAS, ...report, reportData: binder }),
    certTable,
    ...(hostVtpm == null ? {} : { hostVtpm: hostVtpmOf(binder, hostVtpm) }),
  });
  const { body } = await attemptOf(broker, { evidence: { format: "raw", of } });
  const response = await post(broker, "/v1/release", body);
  if (response.status === 200) return "allowed";
  return decodeProblem(new Uint8Array(await response.arrayBuffer())).code;
}

describe("policies/gcp.writ", () => {
  const GOOGLE = { report: { policy: 0x70000n }, endorsement: endorsementOf(), hostVtpm: {} } as const;

  it("gives its key to a guest of whose firmware and boot Google says the right things", async () => {
    expect(await answerTo(await brokerUnder("gcp.writ", "gcp"), GOOGLE)).toBe("allowed");
  });

  it.each<[string, Guest, string]>([
    ["without Google's word on its boot", { hostVtpm: null }, "denied"],
    ["that booted something else", { hostVtpm: { vtpm: OTHER_HOST_VTPM } }, "denied"],
    ["without Google's word on its firmware", { endorsement: null }, "denied"],
    ["on a firmware that Google superseded", { endorsement: endorsementOf({ svn: 1 }) }, "denied"],
    ["that may be debugged", { report: { policy: 0xf0000n } }, "rejected-evidence"],
    [
      "with a quote for another report",
      { hostVtpm: { quote: { qualifyingData: new Uint8Array(32) } } },
      "rejected-evidence",
    ],
    [
      "with the registers of another boot beside its quote",
      { hostVtpm: { carried: { pcrs: OTHER_HOST_VTPM.quote({ qualifyingData: new Uint8Array(0) }).pcrs } } },
      "rejected-evidence",
    ],
    [
      "with a quote under a certificate that nobody knows",
      { hostVtpm: { certificate: { isForged: true } } },
      "rejected-evidence",
    ],
  ])("gives nothing to a guest %s", async (_name, guest, code) => {
    expect(await answerTo(await brokerUnder("gcp.writ", "gcp"), { ...GOOGLE, ...guest })).toBe(code);
  });
});

describe("policies/aws-vlek.writ", () => {
  const vlek = (cspId: string) => createSimulatedChip(simulatedRoot("genoa"), { kind: "vlek", cspId });

  it("gives its key to a guest on EC2", async () => {
    const guest = { chip: vlek("CN=cc-eu-central-1.amazonaws.com") };
    expect(await answerTo(await brokerUnder("aws-vlek.writ", "aws"), guest)).toBe("allowed");
  });

  it.each<[string, Guest]>([
    ["of another provider's VLEK", { chip: vlek("CN=cc-eu-central-1.example.com") }],
    ["of a name that begins like Amazon's", { chip: vlek("CN=cc-eu-central-1.amazonaws.com.example") }],
    ["that signs with a key of its own chip", {}],
    [
      "on another firmware",
      { chip: vlek("CN=cc-eu-central-1.amazonaws.com"), report: { measurement: new Uint8Array(48) } },
    ],
    ["that may be moved", { chip: vlek("CN=cc-eu-central-1.amazonaws.com"), report: { policy: 0x70000n } }],
  ])("gives nothing to a guest %s", async (_name, guest) => {
    expect(await answerTo(await brokerUnder("aws-vlek.writ", "aws"), guest)).toBe("denied");
  });
});
