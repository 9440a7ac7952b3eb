/** Does a VM of Azure's get its key under a policy that says what it booted, and nobody who only looks like one? */
import { describe, expect, it } from "vitest";
import type { CarriedEvidence } from "../../src/attestation/evidence.ts";
import { VTPM_SERVICE } from "../../src/attestation/svsm/manifest.ts";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import { createSimulatedVtpm } from "../../src/simulator/vtpm.ts";
import { decodeAttestAnswer } from "../../src/wire/attest.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { type AzureDeviation, azureEvidence, OTHER_VTPM, VTPM } from "../support/simulated-azure.ts";
import {
  attemptOf,
  type Deviation,
  type GuestBroker,
  guestBroker,
  type OtherEvidence,
  POLICY,
  post,
  random,
  releaseOf,
} from "./guest-at-hand.ts";

const BOOTED = hexOf(nodePrimitives.digest("sha256", utf8("simulated PCR 11")));
const ID_KEY =
  "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";

const AZURE_POLICY = `writ 1
module acme.azure version 1.0.0 { owner "cloud@acme.example" }
policy disks {
  for resource "prod/**", "attest"
  platform azure
  require has id_block.id_key and id_block.id_key == hex"${ID_KEY}" else "another paravisor"
  require any { all { product == milan, id_block.guest_svn >= 10 } } else "the paravisor was superseded"
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${BOOTED}" else "another system booted"
  require has vtpm.secure_boot and vtpm.secure_boot else "secure boot is off"
  require none { guest.debug, guest.migrate_ma } else "guest memory could be read or moved"
  require request.nonce_age <= 60s else "stale evidence"
  require endorsement.crl_age <= 24h else "revocation data is old"
  allow "boot" when request.op == release
  on release { token_ttl 2m audit full }
}
`;

function azure(deviation: AzureDeviation = {}): OtherEvidence {
  return {
    format: "azure-hcl",
    of: (binder, chip, endorsements) => ({ ...azureEvidence(binder, chip, deviation), endorsements }),
  };
}

async function released(broker: GuestBroker, deviation: Deviation) {
  const attempt = await attemptOf(broker, deviation);
  const response = await post(broker, "/v1/release", attempt.body);
  if (response.status !== 200) return { attempt, response, secret: undefined };
  const { transcript, wrapPrivate, claims } = attempt;
  const own = { transcript, wrapPrivate, wanted: claims.want, isPartial: false };
  const trust = { signingKey: broker.world.signer.spki, now: broker.world.now(), primitives: nodePrimitives };
  const [item] = await openReleases(await releaseOf(response), { ...own, ...trust });
  return { attempt, response, secret: item?.secret };
}

/** The fault as the operator finds it: in the ledger or in the decision log. */
async function found(broker: GuestBroker, deviation: Deviation): Promise<string> {
  const { response } = await released(broker, deviation);
  if (response.status === 200) return "released";
  const { instance } = decodeProblem(new Uint8Array(await response.arrayBuffer()));
  const detail = await broker.admin.decision(instance.slice("urn:ostiary:".length));
  return detail.kind === "refusal" ? detail.code : `decision ${String(detail.entry["code"])}`;
}

describe("a VM of Azure's", () => {
  it("gets its key, and the ledger says so", async () => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    const { secret } = await released(broker, { evidence: azure() });
    expect(secret).toHaveLength(32);
    const entries = await ledgerEntries({ from: 0, limit: 100 }, broker.world);
    expect(entries.at(-1)).toMatchObject({ kind: "decision", outcome: "allow", vmpl: 0, simulated: true });
  });

  it("gets the same key after another boot of the same system", async () => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    const [first, second] = [
      await released(broker, { evidence: azure() }),
      await released(broker, { evidence: azure({ quote: { resetCount: 4 } }) }),
    ];
    expect(second.secret).toEqual(first.secret);
  });

  it("gets an attestation result", async () => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    const cnf = { kty: "EC", crv: "P-256", x: "A".repeat(43), y: "A".repeat(43) } as const;
    const { body } = await attemptOf(broker, { evidence: azure(), claims: { want: [], cnf } });
    const response = await post(broker, "/v1/attest", body);
    expect(response.status).toBe(200);
    expect(decodeAttestAnswer(new Uint8Array(await response.arrayBuffer())).token).toMatch(/^ey/);
  });

  const denied: readonly (readonly [string, OtherEvidence])[] = [
    ["that booted another system", azure({ vtpm: createSimulatedVtpm(VTPM.key, { 11: random(32) }) })],
    ["without secure boot", azure({ paravisor: { isSecureBoot: false } })],
    ["of another paravisor", azure({ paravisor: { report: { fields: { idKeyDigest: random(48) } } } })],
    [
      "of an old paravisor",
      azure({ paravisor: { report: { fields: { guestSvn: Uint8Array.of(9, 0, 0, 0) } } } }),
    ],
    ["that may be debugged", azure({ paravisor: { report: { policy: 0xb_001fn } } })],
  ];
  it.each(denied)("%s is denied, in the ledger", async (_name, evidence) => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    expect(await found(broker, { evidence })).toBe("decision require-failed");
  });

  const refused: readonly (readonly [string, OtherEvidence, string])[] = [
    ["a quote over another nonce", azure({ quote: { qualifyingData: random(32) } }), "channel/not-bound"],
    ["a report of VMPL 2", azure({ paravisor: { report: { vmpl: 2 } } }), "channel/not-bound"],
    [
      "the SHA-1 bank",
      azure({ quote: { selections: [{ bank: 4, bits: new Uint8Array(3).fill(255) }] } }),
      "evidence/quote-selection",
    ],
    [
      "another VM's key in the claims",
      azure({ paravisor: { akModulus: OTHER_VTPM.akModulus } }),
      "evidence/quote-signature",
    ],
    [
      "values that are not the quoted ones",
      azure({ carried: { pcrs: VTPM.quote({ qualifyingData: random(32) }).pcrs.toReversed() } }),
      "evidence/quote-digest",
    ],
    [
      "claims that somebody changed",
      azure({ paravisor: { patch: withoutSecureBoot } }),
      "evidence/runtime-data-mismatch",
    ],
    ["a quote of another type", azure({ quote: { type: 0x8017 } }), "evidence/quote-type"],
  ];
  it.each(refused)("is refused with %s, and nothing is recorded", async (_name, evidence, code) => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    const before = (await ledgerEntries({ from: 0, limit: 100 }, broker.world)).length;
    expect(await found(broker, { evidence })).toBe(code);
    expect(await ledgerEntries({ from: 0, limit: 100 }, broker.world)).toHaveLength(before);
  });

  it("is refused where its evidence was caught in an earlier exchange, and before any signature is looked at", async () => {
    const verified: string[] = [];
    const broker = await guestBroker({
      policy: AZURE_POLICY,
      change: ({ primitives }) => ({
        primitives: {
          ...primitives,
          verify: (scheme, ...rest) => {
            verified.push(scheme);
            return primitives.verify(scheme, ...rest);
          },
        },
      }),
    });
    let caught: CarriedEvidence | undefined;
    const watched: OtherEvidence = {
      format: "azure-hcl",
      of: (...args) => {
        caught = azure().of(...args);
        return caught;
      },
    };
    expect((await released(broker, { evidence: watched })).response.status).toBe(200);
    verified.length = 0;
    const replayed: OtherEvidence = {
      format: "azure-hcl",
      of: () => caught ?? azure().of(random(32), broker.chip, []),
    };
    expect(await found(broker, { evidence: replayed })).toBe("channel/not-bound");
    expect(verified).toEqual([]);
  });
});

describe("a policy of one format", () => {
  it("for reports releases nothing to a VM of Azure's", async () => {
    const broker = await guestBroker();
    expect(await found(broker, {})).toBe("released");
    expect(await found(broker, { evidence: azure() })).toBe("decision require-failed");
  });

  it("for Azure releases nothing to whoever shows the same in a report of its own", async () => {
    const broker = await guestBroker({ policy: AZURE_POLICY });
    const idKeyDigest = Uint8Array.from(Buffer.from(ID_KEY, "hex"));
    const report = { fields: { idKeyDigest, guestSvn: Uint8Array.of(12, 0, 0, 0) } };
    expect(await found(broker, { report })).toBe("decision require-failed");
  });

  it("for Azure pins no register that an operating system can set back", async () => {
    for (const pcr of [16, 23]) {
      const zero = "00".repeat(32);
      const policy = AZURE_POLICY.replaceAll("vtpm.pcr[11]", `vtpm.pcr[${pcr}]`).replace(BOOTED, zero);
      const broker = await guestBroker({ policy });
      expect(hexOf(VTPM.quote({ qualifyingData: random(32) }).pcrs[pcr] ?? random(32))).toBe(zero);
      expect(await found(broker, { evidence: azure() })).toBe("decision require-failed");
    }
  });
});

describe("a guest under an SVSM", () => {
  const policy = POLICY.replace(
    "platform bare-metal",
    "require evidence.format == svsm\n  require vmpl == 0",
  );
  const svsm = (shown: (manifest: Uint8Array) => Uint8Array = (manifest) => manifest): OtherEvidence => ({
    format: "svsm",
    of: (binder: Uint8Array, chip: SimulatedChip, endorsements: readonly Uint8Array[]) => {
      const manifest = svsmManifest([{ guid: VTPM_SERVICE, manifest: utf8("an endorsement key") }]);
      const report = svsmReport(chip, { binder, manifest });
      return { format: "svsm", report, manifest: shown(manifest), endorsements };
    },
  });

  it("gets its key", async () => {
    const broker = await guestBroker({ policy });
    expect((await released(broker, { evidence: svsm() })).secret).toHaveLength(32);
  });

  it("gets nothing with another manifest, on another chip, or under a policy for reports", async () => {
    const broker = await guestBroker({ policy });
    const other = (manifest: Uint8Array) =>
      manifest.map((byte, i) => (i === manifest.length - 1 ? byte ^ 1 : byte));
    expect(await found(broker, { evidence: svsm(other) })).toBe("channel/not-bound");
    const chip = createSimulatedChip(simulatedRoot("milan"), { chipId: random(64) });
    const borrowed: OtherEvidence = {
      format: "svsm",
      of: (binder, _chip, endorsements) => svsm().of(binder, chip, endorsements),
    };
    expect(await found(broker, { evidence: borrowed })).toMatch(/^e(vidence|ndorsement)\//);
    expect(await found(await guestBroker(), { evidence: svsm() })).toBe("decision require-failed");
  });
});

/** One character of the claims, which JSON does not mind. */
function withoutSecureBoot(blob: Uint8Array): void {
  const at = Buffer.from(blob).indexOf("tpm-persisted");
  blob.fill(0x54, at, at + 1);
}
