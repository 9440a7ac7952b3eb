/** Does `ostiary evidence` read what a VM of Azure's and an SVSM show, and verify it to the last of it? */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { VTPM_SERVICE } from "../../src/attestation/svsm/manifest.ts";
import { svsmVtpmBinder } from "../../src/attestation/svsm/vtpm-binder.ts";
import { base64UrlOf, hexOf, utf8 } from "../../src/base/bytes.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { azureHclBlob } from "../../src/simulator/azure-hcl.ts";
import { endorsementsOf, pemOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest, svsmReport } from "../../src/simulator/svsm.ts";
import { evidenceText } from "../../src/wire/evidence.ts";
import { itWithVectors, readVector, sharedVectors } from "../support/shared-vectors.ts";
import { SIMULATED_NOW, simulatedRoot } from "../support/simulated.ts";
import { azureEvidence, VTPM } from "../support/simulated-azure.ts";
import { svsmEvidence } from "../support/simulated-svsm.ts";
import { runEvidence } from "./evidence-run.ts";

const at = (...path: readonly string[]): string => join(sharedVectors ?? "", ...path);
const CHAINS = ["SEV-Milan.pem", "ARK-Milan.pem", "SEV-Genoa.pem", "ARK-Genoa.pem"].flatMap((name) => [
  "--endorsements",
  at("snp/amd", name),
]);
const THEN = ["--at", "2025-06-01T00:00:00Z", "--offline", "--json", ...CHAINS];
const CHALLENGE = hexOf(utf8("challenge"));
const GENOA_NONCE =
  "0218488bae25d2509232bf676f1a66a30d7372add909109b36016ef136f2938ca05475f8b46094de6b64270ea35d950f";
const MILAN_PCR_0 = "e15c44796beabf46abcec7c57e590942041e47497e4ec27571c8b7664f48dced";
const GENOA_PCR_0 = "afd689d0bb1c5f36f023fbaf574135f555a28a10c1f6b938d2a25e70c7783338";

async function result(words: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}) {
  const { status, text } = await runEvidence(words, files);
  return { status, ...JSON.parse(text) };
}

describe("evidence of a real VM of Azure's", () => {
  const rows: readonly (readonly [string, readonly string[], string, string, string])[] = [
    ["evidence-v0.json", [], CHALLENGE, "milan", MILAN_PCR_0],
    ["evidence-v1.json", [], CHALLENGE, "milan", MILAN_PCR_0],
    ["evidence-genoa.json", [], GENOA_NONCE, "genoa", GENOA_PCR_0],
    [
      "hcl-report.bin",
      ["--quote", at("azure/trustee/tpm-quote-v1.json"), "--endorsements", at("azure/trustee/vcek.pem")],
      CHALLENGE,
      "milan",
      "f3a7e99a5f819a034386bce753a48a73cfdaa0bea0ecfc124bedbf5a8c4799be",
    ],
  ];
  for (const [name, more, nonce, product, pcr0] of rows) {
    const words = ["verify", at("azure/trustee", name), ...more, ...THEN];

    itWithVectors(`in ${name} verifies, over its nonce`, async () => {
      expect(await result([...words, "--qualifying-data", nonce])).toMatchObject({
        status: 0,
        verified: true,
        product,
        claims: { "evidence.format": "azure-hcl", vmpl: 0, "vtpm.pcr[0]": pcr0, "vtpm.secure_boot": true },
        paravisor: { isSecureBoot: true, hasTpm: true },
      });
    });

    itWithVectors(`in ${name} does not verify over another nonce`, async () => {
      const answer = await result([...words, "--qualifying-data", `${nonce}00`]);
      expect(answer).toMatchObject({ status: 1, verified: false, code: "channel/not-bound" });
    });

    itWithVectors(`in ${name} is shown with the registers that it quotes`, async () => {
      const quote = more.slice(0, 2);
      const shown = await result(["show", at("azure/trustee", name), ...quote, "--json"]);
      expect(shown).toMatchObject({ status: 0, claims: { "vtpm.pcr[0]": pcr0 } });
      expect(shown.claims).not.toHaveProperty("vtpm.pcr[16]");
    });
  }

  const negatives: readonly (readonly [number, (byte: number) => number, readonly string[]])[] = [
    [0x6e0, (byte) => byte + 1, ["evidence/runtime-data-mismatch"]],
    [0x1a6, () => 0, ["evidence/bad-signature", "endorsement/tcb-mismatch"]],
    [0x540, () => 0, ["evidence/ak-missing"]],
  ];
  for (const [offset, change, codes] of negatives) {
    itWithVectors(
      `does not verify with byte 0x${offset.toString(16)} changed, with its quote or without`,
      async () => {
        const blob = readVector("azure/trustee/hcl-report.bin");
        const bent = blob.with(offset, change(blob[offset] ?? 0) & 0xff);
        const words = ["verify", "bent", ...THEN, "--endorsements", at("azure/trustee/vcek.pem")];
        for (const quote of [[], ["--quote", at("azure/trustee/tpm-quote-v1.json")]]) {
          const { status, code } = await result([...words, ...quote], { bent });
          expect([status, codes.includes(code)], code).toEqual([1, true]);
        }
      },
    );
  }

  itWithVectors("verifies as a blob alone, and warns that nothing was quoted", async () => {
    const words = [
      "verify",
      at("azure/trustee/hcl-report.bin"),
      "--endorsements",
      at("azure/trustee/vcek.pem"),
    ];
    const answer = await result([...words, ...THEN]);
    expect(answer).toMatchObject({ verified: true, claims: { "evidence.format": "azure-hcl" } });
    expect(answer.warnings.join()).toContain("no quote");
    expect(answer.claims).not.toHaveProperty("vtpm.pcr[0]");
    expect(await result([...words, ...THEN, "--qualifying-data", CHALLENGE])).toMatchObject({
      verified: false,
      code: "channel/not-bound",
    });
  });

  itWithVectors(
    "of an older paravisor is shown, and does not verify beside another chip's certificate",
    async () => {
      const blob = at("azure/azure-cvm-tooling/hcl-report-snp.bin");
      expect(await result(["show", blob, "--json"])).toMatchObject({ paravisor: { isSecureBoot: true } });
      const words = ["verify", blob, "--endorsements", at("azure/azure-cvm-tooling/certs.pem"), ...THEN];
      expect(await result(words)).toMatchObject({ verified: false, code: "endorsement/chip-mismatch" });
    },
  );

  itWithVectors("of a TDX guest is refused", async () => {
    const blob = at("azure/azure-cvm-tooling/hcl-report-tdx.bin");
    expect(await result(["verify", blob, ...THEN])).toMatchObject({
      verified: false,
      code: "evidence/malformed",
    });
  });
});

describe("evidence in a file", () => {
  const root = simulatedRoot("milan");
  const chip = createSimulatedChip(root);
  const endorsements = endorsementsOf(root, chip, SIMULATED_NOW);
  const binder = new Uint8Array(32).fill(0xb1);
  const azure = { ...azureEvidence(binder, chip), endorsements };
  const manifest = svsmManifest([{ guid: VTPM_SERVICE, manifest: utf8("a key") }]);
  const nonce = new Uint8Array(64).fill(0xb5);
  const svsm = {
    format: "svsm",
    report: svsmReport(chip, { binder: nonce, manifest }),
    manifest,
    endorsements,
  } as const;
  const raw = { format: "raw", report: chip.report({ reportData: nonce }), endorsements } as const;
  const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
  const trust = { root: utf8(pemOf(root.ark)) };
  const verify = (
    file: Uint8Array,
    more: readonly string[] = [],
    files: Readonly<Record<string, Uint8Array>> = {},
  ) =>
    result(["verify", "file", "--trust-simulator", "root", "--offline", "--json", ...more], {
      ...trust,
      ...files,
      file,
    });

  it.each([
    ["a report", raw, ["--report-data", hexOf(nonce)]],
    ["a quote", azure, ["--qualifying-data", hexOf(binder)]],
    ["an SVSM's report", svsm, ["--service-nonce", hexOf(nonce)]],
  ] as const)("as a request carries it verifies: %s", async (_name, carried, words) => {
    const answer = await verify(json(evidenceText(carried)), words);
    expect(answer).toMatchObject({
      verified: true,
      simulated: true,
      claims: { "evidence.format": carried.format },
    });
    expect(answer.warnings).toEqual([]);
    const other = words.map((word, i) => (i === 1 ? word.replace(/^../, "00") : word));
    expect(await verify(json(evidenceText(carried)), other)).toMatchObject({ code: "channel/not-bound" });
  });

  it("of an SVSM tells its services, and that only its nonce binds them", async () => {
    const { warnings, services } = await verify(json(evidenceText(svsm)));
    expect(services).toEqual([{ guid: VTPM_SERVICE, bytes: 5 }]);
    expect(warnings.join()).toContain("--service-nonce");
    const words = ["--service-nonce", hexOf(nonce)];
    expect(await verify(json(evidenceText(raw)), words)).toMatchObject({ code: "channel/not-bound" });
  });

  it("of an SVSM shows what its vTPM quoted, and counts none of it", async () => {
    const none = { idObject: new Uint8Array(0), encryptedSecret: new Uint8Array(0) };
    const quoted = { ...svsmEvidence({ binder: nonce, chip }, none), endorsements };
    const file = json(evidenceText(quoted));
    const shown = await result(["show", "file", "--json"], { file });
    expect(shown.claims["vtpm.pcr[11]"]).toBe(hexOf(quoted.vtpm?.pcrs[11] ?? nonce));
    expect(shown).toMatchObject({ quote: { resetCount: 3, restartCount: 0 } });
    const bound = svsmVtpmBinder(quoted.report.slice(0x50, 0x90), nodePrimitives);
    const words = ["--service-nonce", hexOf(nonce), "--qualifying-data", hexOf(bound)];
    const { claims, verified, warnings } = await verify(file, words);
    expect([verified, claims["vtpm.pcr[11]"], warnings.join()]).toEqual([
      true,
      undefined,
      expect.stringContaining("no facts here"),
    ]);
    const other = json(
      evidenceText({
        ...svsmEvidence({ binder: nonce, chip }, none, { quote: { qualifyingData: nonce } }),
        endorsements,
      }),
    );
    expect(await verify(other, words.slice(0, 2))).toMatchObject({ code: "channel/not-bound" });
  });

  it("is read as a blob in hex and in base64 too", async () => {
    for (const text of [hexOf(azure.hcl), Buffer.from(azure.hcl).toString("base64")]) {
      const quote = json({
        message: [...azure.quote],
        signature: hexOf(azure.signature),
        pcrs: azure.pcrs.map(hexOf),
      });
      const chain = endorsements
        .slice(0, 3)
        .map((der) => pemOf(der))
        .join("");
      const words = ["--quote", "quote", "--endorsements", "chain"];
      expect(await verify(utf8(text), words, { quote, chain: utf8(chain) })).toMatchObject({
        verified: true,
      });
    }
  });

  it("verifies as a blob whose report a guest asked for by no means", async () => {
    const hcl = azureHclBlob(chip, { akModulus: VTPM.akModulus, report: { vmpl: 2 } });
    const chain = utf8(
      endorsements
        .slice(0, 3)
        .map((der) => pemOf(der))
        .join(""),
    );
    expect(await verify(hcl, ["--endorsements", "chain"], { chain })).toMatchObject({
      code: "evidence/wrong-vmpl",
    });
  });

  it.each([
    ["JSON that is no evidence", json({ a: 1 })],
    ["a list", utf8("[1]")],
    ["JSON with a member twice", utf8('{"report":[],"report":[]}')],
    ["a format that there is not", json({ ...evidenceText(azure), format: "tdx" })],
    ["a member that there is not", json({ ...evidenceText(azure), more: "" })],
    ["numbers that are no bytes", json({ report: [256], quote: { message: [], signature: [], pcrs: [] } })],
    [
      "a quote without registers",
      json({ hcl_report: base64UrlOf(azure.hcl), tpm_quote: { message: "", signature: "" } }),
    ],
    ["text", utf8("{ nothing }")],
  ])("is refused as malformed: %s", async (_name, file) => {
    expect(await verify(file)).toMatchObject({ status: 1, verified: false, code: "evidence/malformed" });
  });

  it("is refused with a quote beside what no quote belongs to", async () => {
    const quote = json({
      message: [...azure.quote],
      signature: [...azure.signature],
      pcrs: azure.pcrs.map(hexOf),
    });
    for (const file of [raw.report, json(evidenceText(azure))]) {
      expect(await verify(file, ["--quote", "quote"], { quote })).toMatchObject({
        code: "evidence/malformed",
      });
    }
  });

  it("is shown to people: each register under one meaning, and the paravisor's own words", async () => {
    const { text } = await runEvidence(["show", "file"], { file: json(evidenceText(azure)) });
    expect(text).toMatch(/vtpm\.pcr\[11\] +[0-9a-f]{64} +PCR of a vTPM/);
    expect(text).toMatch(/paravisor +\{.*"isSecureBoot":true/);
  });
});
