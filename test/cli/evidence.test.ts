/** Does `ostiary evidence` answer as catalogued, for every real case, and with a fault for anything else? */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { base64Of, concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { canonicalJson } from "../../src/base/canonical-json.ts";
import { NO_SOURCE } from "../../src/kds/no-source.ts";
import { certTableOf, pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { evidenceText } from "../../src/wire/evidence.ts";
import { endorsementOf, FOUR_VMSAS, hostVtpmOf, simulatedProvider } from "../support/provider.ts";
import { itWithVectors, readVectorJson, sharedVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedSource } from "../support/simulated.ts";
import { runEvidence as run } from "./evidence-run.ts";

interface Expectation {
  readonly at: string;
  readonly crl?: string;
  readonly verified: boolean;
  readonly code: readonly string[] | null;
  readonly product?: string | null;
  readonly claims?: Readonly<Record<string, unknown>>;
}

const cases = sharedVectors === undefined ? ["every case"] : readdirSync(join(sharedVectors, "snp/cases"));

describe("evidence verify --json", () => {
  for (const name of cases) {
    itWithVectors(`answers ${name} as catalogued`, async () => {
      const expected = readVectorJson<Expectation>("snp/cases", name, "expect.json");
      const { status, text } = await run(wordsFor(name, expected));
      const result = JSON.parse(text);
      expect(status).toBe(expected.verified ? 0 : 1);
      expect(result).toMatchObject(expected.verified ? verifiedAs(expected) : { verified: false });
      expect(expected.code ?? [null]).toContain(result.code);
      expect(result.claims).toMatchObject(expected.claims ?? {});
    });
  }
});

function wordsFor(name: string, { at, crl }: Expectation): readonly string[] {
  const folder = join(sharedVectors ?? "", "snp/cases", name);
  const endorsements = join(folder, "endorsements");
  const given = existsSync(endorsements) ? readdirSync(endorsements) : [];
  const files = given.flatMap((file) => ["--endorsements", join(endorsements, file)]);
  const crls = crl === undefined ? [] : ["--crl", join(sharedVectors ?? "", "snp/amd", crl)];
  return ["verify", join(folder, "report.bin"), ...files, ...crls, "--at", at, "--offline", "--json"];
}

/** Without a CRL the result says so, and warns. */
function verifiedAs({ product, crl }: Expectation) {
  const revocation = { checked: crl !== undefined };
  return { verified: true, product, revocation, ...(crl === undefined ? {} : { warnings: [] }) };
}

describe("what a file may be", () => {
  const root = simulatedRoot("milan");
  const chip = createSimulatedChip(root);
  const report = chip.report({ reportData: new Uint8Array(64).fill(9) });
  const table = certTableOf(root, chip, SIMULATED_NOW);
  const whole = Uint8Array.from([...report, ...table]);
  const files = { root: utf8(pemOf(root.ark)), whole, report };
  const verify = (
    file: string,
    more: readonly string[] = [],
    others: Readonly<Record<string, Uint8Array>> = {},
  ) =>
    run(["verify", file, "--trust-simulator", "root", "--offline", "--json", ...more], {
      ...files,
      ...others,
    });

  it.each([
    ["a report with its certificate table", whole],
    ["the same in hex", utf8(`${hexOf(whole)}\n`)],
    ["the same in base64", utf8(base64Of(whole))],
  ])("reads %s", async (_name, bytes) => {
    const { status, text } = await verify("-", [], { "-": bytes });
    expect(JSON.parse(text)).toMatchObject({ verified: true, simulated: true, product: "milan" });
    expect(status).toBe(0);
  });

  it("asks the key server for what is missing, and nobody with --offline", async () => {
    const words = ["verify", "report", "--trust-simulator", "root", "--json"];
    const online = await run(words, files, { source: simulatedSource(root, chip) });
    expect(JSON.parse(online.text)).toMatchObject({ verified: true, revocation: { checked: true } });
    const offline = await run([...words, "--offline"], files, { source: simulatedSource(root, chip) });
    expect(JSON.parse(offline.text)).toMatchObject({ verified: false, code: "endorsement/missing" });
  });

  it("warns of what the key server does not give", async () => {
    const bare = { ...simulatedSource(root, chip), crl: NO_SOURCE.crl };
    const { text } = await run(["verify", "report", "--trust-simulator", "root", "--json"], files, {
      source: bare,
    });
    expect(JSON.parse(text)).toMatchObject({ verified: true, revocation: { checked: false } });
  });

  it("trusts no simulator unless it is told to", async () => {
    const { status, text } = await run(["verify", "whole", "--offline", "--json"], files);
    expect(JSON.parse(text)).toMatchObject({ verified: false, code: "endorsement/untrusted-root" });
    expect(status).toBe(1);
  });

  it.each([
    ["another product", ["--product", "genoa"], "endorsement/product-mismatch"],
    ["other report data", ["--report-data", "00".repeat(64)], "channel/not-bound"],
    ["a quote that is not there", ["--qualifying-data", "00".repeat(32)], "channel/not-bound"],
  ])("says no to %s", async (_name, words, code) => {
    const { text } = await verify("whole", words);
    expect(JSON.parse(text)).toMatchObject({ verified: false, code });
  });

  it("says yes to the right report data", async () => {
    const { status } = await verify("whole", ["--report-data", "09".repeat(64), "--product", "milan"]);
    expect(status).toBe(0);
  });

  it("takes no certificate of AMD's arc without the mark for a simulator's root", async () => {
    const bare = root.intermediate("vcek", {});
    await expect(verify("whole", [], { root: bare })).rejects.toMatchObject({
      code: "endorsement/untrusted-root",
    });
  });

  it("takes no file without a CRL for one that must serve", async () => {
    await expect(verify("whole", ["--crl", "root"])).rejects.toMatchObject({
      code: "endorsement/crl-invalid",
    });
  });

  it("shows the same claims as it verifies", async () => {
    const shown = JSON.parse((await run(["show", "report", "--json"], files)).text);
    const verified = JSON.parse((await verify("whole")).text);
    expect(verified.claims).toMatchObject(shown.claims);
  });

  property.prop([fc.uint8Array({ maxLength: 2400 })], { numRuns: 60 })(
    "gives a fault for any bytes, never an exception",
    async (bytes) => {
      const { status, text } = await verify("any", [], { any: bytes });
      expect(status).toBe(1);
      expect(JSON.parse(text).verified).toBe(false);
    },
  );
});

describe("what a cloud provider says beside a report", () => {
  const root = simulatedRoot("genoa");
  const chip = createSimulatedChip(root);
  const reportData = new Uint8Array(64).fill(9);
  const report = chip.report({ reportData, measurement: FOUR_VMSAS, policy: 0x70000n });
  const certTable = certTableOf(root, chip, SIMULATED_NOW, { launchEndorsement: endorsementOf() });
  const json = (changes = {}) =>
    utf8(
      canonicalJson(
        evidenceText({ format: "raw", report, certTable, hostVtpm: hostVtpmOf(reportData, changes) }),
      ),
    );
  const provider = simulatedProvider();
  const files = {
    evidence: json(),
    foreign: json({ quote: { qualifyingData: reportData } }),
    "ark.pem": utf8(pemOf(root.ark)),
    "firmware.pem": utf8(pemOf(provider.firmwareRoot)),
    "vtpm.pem": utf8(pemOf(provider.akRoot) + pemOf(provider.akIntermediate)),
  };
  const trusting = ["--trust-simulator", "ark.pem", "--offline"];
  const roots = ["--google-firmware-roots", "firmware.pem", "--host-vtpm-roots", "vtpm.pem"];

  it("is verified under the roots that are named, and called the provider's word", async () => {
    const { status, text } = await run(["verify", "evidence", ...trusting, ...roots], files);
    expect(status).toBe(0);
    expect(text).toContain("security version 3, as with 4 VMSAs: the provider's word");
    expect(text).toContain("a quote for this report, boot 3: the provider's word");
    const { claims } = JSON.parse(
      (await run(["verify", "evidence", ...trusting, ...roots, "--json"], files)).text,
    );
    expect(claims).toMatchObject({ "uefi.endorsed_by": "google", "uefi.svn": 3 });
    expect(claims["host_vtpm.pcr[11]"]).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is passed over, and said to be, where no root is named", async () => {
    const { status, text } = await run(["verify", "evidence", ...trusting, "--json"], files);
    const { claims, warnings } = JSON.parse(text);
    expect([
      status,
      Object.keys(claims).filter((name) => /^(uefi|host_vtpm)/.test(name)),
      warnings.length,
    ]).toEqual([0, [], 2]);
  });

  it("is a no where it does not hold", async () => {
    const { status, text } = await run(["verify", "foreign", ...trusting, ...roots, "--json"], files);
    expect([status, JSON.parse(text).code]).toEqual([1, "channel/not-bound"]);
    const wrong = ["--google-firmware-roots", "vtpm.pem"];
    const second = await run(["verify", "evidence", ...trusting, ...wrong, "--json"], files);
    expect([second.status, JSON.parse(second.text).code]).toEqual([1, "endorsement/provider-untrusted"]);
  });

  it("is shown, unverified, by `show`; an endorsement of another firmware is not", async () => {
    const { text } = await run(["show", "evidence", "--json"], files);
    expect(JSON.parse(text).claims).toMatchObject({ "uefi.svn": 3, "uefi.endorsed_by": "google" });
    const other = endorsementOf({ measurements: { 4: new Uint8Array(48) } });
    const table = certTableOf(root, chip, SIMULATED_NOW, { launchEndorsement: other });
    const shown = await run(["show", "other", "--json"], { other: concatBytes(report, table) });
    expect(JSON.parse(shown.text).claims).not.toHaveProperty("uefi.svn");
  });
});
