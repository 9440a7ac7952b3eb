/** Which mistakes of other verifiers with revocation are not ours? Catalogue cases 6 and 7, beside the rows of `test/simulator`. */
import { describe, expect, it } from "vitest";
import {
  type Endorsements,
  type VerifyOptions,
  verifyChain,
} from "../../src/attestation/endorsement/chain.ts";
import type { ObtainedCrl } from "../../src/attestation/endorsement/crl.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { AMD_ROOTS } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { addSeconds, parseInstant } from "../../src/base/time.ts";
import { authorityKeyId } from "../../src/simulator/certificate.ts";
import type { CrlPlan } from "../../src/simulator/crl.ts";
import { bitString, DER_NULL, octetString } from "../../src/simulator/der.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { type Row, verdictOf } from "../simulator/deviation.ts";
import { codeOfPromise } from "../support/faults.ts";
import { itWithVectors, readVector } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const DAY = 86_400;
const ASK_SERIAL = 0x010001n;
const root = simulatedRoot("milan");
const chip = createSimulatedChip(root);
const evidence = parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }) });
const certificates = [chip.leaf, root.ask, root.ark];
const yesterday = addSeconds(SIMULATED_NOW, -DAY);
const lastYear = addSeconds(SIMULATED_NOW, -400 * DAY);

const ROWS: readonly Row[] = [
  [
    "7: a stale CRL that lists the ASK",
    { crl: { thisUpdate: lastYear, revokedSerials: [ASK_SERIAL] } },
    "endorsement/revoked",
  ],
  [
    "7: a lower number than before that lists the ASK",
    { crl: { revokedSerials: [ASK_SERIAL] }, lowestCrlNumber: 2n },
    "endorsement/revoked",
  ],
  [
    "7: a forged CRL that lists the ASK",
    { crl: { isForged: true, revokedSerials: [ASK_SERIAL] } },
    "endorsement/crl-invalid",
  ],
  ["7: the ARK's own CRL for an ASVK", { chip: { kind: "vlek" } }, "verified"],
  [
    "an ARK that may not sign CRLs",
    {
      offer: ({ chip: { leaf } }) => {
        const changeExtensions = withUsage(Uint8Array.of(0x04));
        return { certificates: [leaf, root.ask, root.authority({ changeExtensions })] };
      },
    },
    "endorsement/crl-invalid",
  ],
  [
    "a CRL number that is no number",
    { crl: { number: undefined, extraExtensions: [{ oid: "2.5.29.20", value: DER_NULL }] } },
    "endorsement/crl-invalid",
  ],
  [
    "a negative CRL number",
    { crl: { number: undefined, extraExtensions: [{ oid: "2.5.29.20", value: Uint8Array.of(2, 1, 0xff) }] } },
    "endorsement/crl-invalid",
  ],
  ["a CRL number of 21 bytes", { crl: { number: 1n << 160n } }, "endorsement/crl-invalid"],
  [
    "an authority key identifier that is none",
    {
      crl: {
        hasAuthorityKeyId: false,
        extraExtensions: [{ oid: "2.5.29.35", value: octetString(DER_NULL) }],
      },
    },
    "endorsement/crl-invalid",
  ],
  [
    "an authority key identifier twice",
    { crl: { extraExtensions: [authorityKeyId(root.keys.ark)] } },
    "endorsement/crl-invalid",
  ],
  [
    "a delta CRL",
    { crl: { extraExtensions: [{ oid: "2.5.29.27", isCritical: true, value: Uint8Array.of(2, 1, 0) }] } },
    "endorsement/crl-invalid",
  ],
  ["a serial that is no certificate's here", { crl: { revokedSerials: [1n, 0n] } }, "verified"],
];

function withUsage(bits: Uint8Array) {
  return (usual: readonly { readonly oid: string; readonly value: Uint8Array }[]) =>
    usual.map((extension) =>
      extension.oid === "2.5.29.15"
        ? { ...extension, isCritical: true, value: bitString(bits, 1) }
        : extension,
    );
}

describe("a mistake about revocation", () => {
  it.each(ROWS)("%s", async (_name, deviation, verdict) => {
    expect(await verdictOf(deviation)).toBe(verdict);
  });
});

/** CRLs as we obtained them now, whatever they say. */
const crl = (plan: Partial<CrlPlan>): ObtainedCrl => ({
  der: root.crl({ thisUpdate: yesterday, ...plan }),
  obtainedAt: SIMULATED_NOW,
});
const good = crl({ number: 5 });
const stale = crl({ number: 4, thisUpdate: lastYear });
const older = crl({ number: 3 });
const revoking = crl({ number: 2, revokedSerials: [ASK_SERIAL] });
const foreign: ObtainedCrl = {
  der: simulatedRoot("genoa").crl({ thisUpdate: yesterday }),
  obtainedAt: yesterday,
};
const junk: ObtainedCrl = { der: new Uint8Array(40), obtainedAt: SIMULATED_NOW };

/** What several CRLs come to: the number of the one that counts, or a code. */
async function outcomeOf(crls: readonly ObtainedCrl[], revocation: VerifyOptions["revocation"]) {
  const endorsements: Endorsements = { certificates, crls };
  const options = { ...simulatedTrust("milan"), revocation };
  let number: bigint | undefined;
  const code = await codeOfPromise(
    verifyChain(evidence, endorsements, options).then(({ revocation: facts }) => {
      number = facts?.number;
    }),
  );
  return code ?? number;
}

describe("several CRLs", () => {
  it.each([
    ["7: a stale one, though just fetched", [stale], "endorsement/crl-stale", "endorsement/crl-stale"],
    ["a stale one beside a good one", [stale, good], 5n, "endorsement/crl-stale"],
    ["another line's beside a good one", [foreign, good], 5n, "endorsement/crl-invalid"],
    ["junk beside a good one", [junk, good], 5n, "endorsement/crl-invalid"],
    ["an older one beside a newer", [older, good], 5n, 5n],
    ["a newer one beside an older", [good, older], 5n, 5n],
    [
      "a good one beside an older one that revokes",
      [good, revoking],
      "endorsement/revoked",
      "endorsement/revoked",
    ],
    ["none", [], "endorsement/crl-missing", undefined],
  ] as const)("%s", async (_name, crls, required, ifPresent) => {
    expect(await outcomeOf(crls, "required")).toBe(required);
    expect(await outcomeOf(crls, "if-present")).toBe(ifPresent);
  });
});

describe("6: AMD's own revoked ASK", () => {
  const amd = (name: string) => parseEndorsementFile(readVector("snp/amd", name));
  const folder = "snp/cases/v3-genoa-vcek-227a641d";
  const at = parseInstant("2025-06-01T00:00:00Z") ?? SIMULATED_NOW;
  const verdict = async (...asks: readonly string[]) => {
    const chain = ["ARK-Genoa.pem", ...asks].flatMap((name) => amd(name).certificates);
    const leaf = readVector(folder, "endorsements/vcek.der");
    const crls = [{ der: readVector("snp/amd", "genoa-04.crl.der") }];
    const genuine = parseEvidence({ format: "raw", report: readVector(folder, "report.bin") });
    const options = { ...simulatedTrust("genoa"), roots: AMD_ROOTS, now: at };
    return codeOfPromise(verifyEvidence(genuine, { certificates: [leaf, ...chain], crls }, options));
  };
  const live = "SEV-Genoa.pem";
  const revoked = "SEV-Genoa-REVOKED-serial020001.pem";

  itWithVectors("does no harm beside the live one, in either order", async () => {
    expect(await verdict(live, revoked)).toBeUndefined();
    expect(await verdict(revoked, live)).toBeUndefined();
  });

  itWithVectors("vouches for nothing alone", async () => {
    expect(await verdict(revoked)).toBe("endorsement/bad-signature");
  });
});
