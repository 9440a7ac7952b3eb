/** Is what guests of a KBS send read as every other door's evidence? Real samples of Azure, and the bodies of both versions. */
import { describe, expect, it } from "vitest";
import { parseEvidence } from "../../../src/attestation/evidence.ts";
import { verifyEvidence } from "../../../src/attestation/verify.ts";
import { hexOf, parseUtf8, utf8 } from "../../../src/base/bytes.ts";
import { decodeKbsAttestation } from "../../../src/wire/kbs/attestation.ts";
import { amdTrust, realParts } from "../../attestation/real-case.ts";
import { AZURE_SAMPLES } from "../../support/azure-vectors.ts";
import { codeOf } from "../../support/faults.ts";
import { laidOutReport, namedReport, type SerdeValue, serdeText } from "../../support/sev-crate-json.ts";
import { itWithVectors, readVector } from "../../support/shared-vectors.ts";

const POINT = "A".repeat(43);
const EC = { kty: "EC", crv: "P-256", alg: "ECDH-ES+A256KW", x: POINT, y: POINT };
const AT = "2025-06-01T00:00:00Z";

/** A body of 0.4.0 around evidence whose text is given. */
function body(evidence: string, changes: Readonly<Record<string, SerdeValue>> = {}): Uint8Array {
  const whole = {
    "init-data": null,
    "runtime-data": { nonce: "bm9uY2U=", "tee-pubkey": EC },
    "tee-evidence": { primary_evidence: "@", additional_evidence: "" },
    ...changes,
  };
  return utf8(serdeText(whole).replace('"@"', () => evidence));
}

const textOf = (name: string) => parseUtf8(readVector("azure/trustee", name)) ?? "";

describe("evidence of az-snp-vtpm", () => {
  for (const name of ["evidence-v0.json", "evidence-v1.json", "evidence-genoa.json"]) {
    itWithVectors(`of a real VM is genuine behind this door: ${name}`, async () => {
      const sample = AZURE_SAMPLES[name]?.();
      const { evidence } = decodeKbsAttestation(body(textOf(name)), "0.4.0");
      expect(evidence).toMatchObject({ format: "azure-hcl", hcl: sample?.hcl, quote: sample?.quote });
      const parsed = parseEvidence(evidence);
      const { certificates } = parsed;
      expect(certificates.map(hexOf)).toEqual(sample?.certificates.slice(0, 1).map(hexOf));
      const endorsements = { certificates: sample?.certificates ?? [], crls: [] };
      const verified = await verifyEvidence(parsed, endorsements, amdTrust(AT));
      expect(verified.product).toBe(sample?.product);
      expect(parsed.kind === "azure-hcl" && parsed.quote.attest.extraData).toEqual(sample?.nonce);
    });
  }

  itWithVectors("of a later version is read as the first", () => {
    const later = textOf("evidence-v1.json").replace('"version": 1', '"version": 2');
    const { evidence } = decodeKbsAttestation(body(later), "0.4.0");
    expect(evidence).toEqual(decodeKbsAttestation(body(textOf("evidence-v1.json")), "0.4.0").evidence);
  });

  const ROWS: readonly (readonly [name: string, from: string | RegExp, to: string])[] = [
    ["a version that nobody knows", '"version": 1', '"version": 3'],
    ["a version as text", '"version": 1', '"version": "1"'],
    ["a member that nobody knows", '"version": 1', '"version": 1, "tee": "snp"'],
    ["a blob in no base64", '"SENMQQEAAAA', '"SENMQ!EAAAA'],
    ["a quote in no hex", '"message": "ff', '"message": "fg'],
    ["23 registers", /"pcrs": \[\s*"[0-9a-f]{64}",/, '"pcrs": ['],
    ["a register of 31 bytes", /"pcrs": \[\s*"[0-9a-f]{2}/, '"pcrs": ["'],
  ];
  for (const [name, from, to] of ROWS) {
    itWithVectors(`is refused: ${name}`, () => {
      const changed = textOf("evidence-v1.json").replace(from, to);
      expect(changed).not.toBe(textOf("evidence-v1.json"));
      const read = () => parseEvidence(decodeKbsAttestation(body(changed), "0.4.0").evidence);
      expect(codeOf(read)).toBe("evidence/malformed");
    });
  }

  itWithVectors("is refused: a certificate that is none", () => {
    const changed = textOf("evidence-v0.json").replace("-----BEGIN CERTIFICATE-----", "-----BEGIN KEY-----");
    expect(codeOf(() => decodeKbsAttestation(body(changed), "0.4.0"))).toBe("endorsement/malformed");
  });
});

describe("evidence of snp", () => {
  const chainOf = (entries: readonly (readonly [SerdeValue, Uint8Array])[]) =>
    entries.map(([type, data]) => ({ cert_type: type, data: [...data] }));

  itWithVectors("of a real guest is genuine behind this door, in either form of its report", async () => {
    const { report, leaf, intermediate, ark, crl } = realParts();
    const cert_chain = chainOf([
      ["VCEK", leaf],
      ["ASK", intermediate],
      ["ARK", ark],
      ["CRL", crl],
      ["Empty", new Uint8Array(0)],
      [{ OTHER: "d4d0bd1f-4e0f-4ea0-9a6c-9d8ac1f9e1c3" }, Uint8Array.of(1, 2, 3)],
    ]);
    for (const attestation_report of [namedReport(report), laidOutReport(report)]) {
      const text = serdeText({ attestation_report, cert_chain });
      const parsed = parseEvidence(decodeKbsAttestation(body(text), "0.4.0").evidence);
      expect([parsed.certificates.length, parsed.crls.length]).toEqual([3, 1]);
      const endorsements = { ...parsed, crls: parsed.crls.map((der) => ({ der })) };
      await verifyEvidence(parsed, endorsements, amdTrust("2025-11-15T00:00:00Z"));
      expect(parsed.reportBytes).toEqual(report);
    }
  });

  it("has certificates beside it only where the host gave some", () => {
    const attestation_report = namedReport(new Uint8Array(1184));
    for (const rest of [{}, { cert_chain: null }, { cert_chain: [] }]) {
      const text = serdeText({ attestation_report, ...rest });
      expect(decodeKbsAttestation(body(text), "0.4.0").evidence).toEqual({
        format: "raw",
        report: new Uint8Array(1184),
      });
    }
  });

  const entry = (changes: Readonly<Record<string, SerdeValue>>): SerdeValue => ({
    cert_type: "VCEK",
    data: [1],
    ...changes,
  });
  const ROWS: readonly (readonly [name: string, evidence: SerdeValue])[] = [
    ["a kind of certificate that nobody knows", [entry({ cert_type: "ROOT" })]],
    ["a kind that is no UUID", [entry({ cert_type: { OTHER: "none" } })]],
    ["a certificate with a byte of 256", [entry({ data: [256] })]],
    ["an entry with a member too many", [entry({ trusted: 1 })]],
    ["more entries than a host gives", Array.from({ length: 17 }, () => entry({}))],
    ["a chain that is no list", entry({})],
  ];
  it.each(ROWS)("is refused: %s", (_name, cert_chain) => {
    const text = serdeText({ attestation_report: namedReport(new Uint8Array(1184)), cert_chain });
    expect(codeOf(() => decodeKbsAttestation(body(text), "0.4.0"))).toBe("evidence/malformed");
  });
});

describe("evidence of snp with a member beside the report", () => {
  it("is refused", () => {
    const text = serdeText({ attestation_report: namedReport(new Uint8Array(1184)), measurement: "00" });
    expect(codeOf(() => decodeKbsAttestation(body(text), "0.4.0"))).toBe("evidence/malformed");
  });
});

describe("the body of an attestation", () => {
  const report = serdeText({ attestation_report: namedReport(new Uint8Array(1184)), cert_chain: null });

  it("of 0.4.0 has nonce, key, further devices and init-data as they came", () => {
    const initData = { format: "toml", body: 'algorithm = "sha384"\n' };
    const tee = { primary_evidence: "@", additional_evidence: '{"nvidia":{}}' };
    const read = decodeKbsAttestation(body(report, { "init-data": initData, "tee-evidence": tee }), "0.4.0");
    expect(read).toMatchObject({
      nonce: "bm9uY2U=",
      teePubkey: EC,
      additionalEvidence: '{"nvidia":{}}',
      initData: 'algorithm = "sha384"\n',
    });
  });

  it("of 0.2.0 has a key and evidence", () => {
    const rsa = { kty: "RSA", alg: "RSA-OAEP-256", n: "A".repeat(342), e: "AQAB" };
    const read = decodeKbsAttestation(
      utf8(`{"tee-pubkey":${serdeText(rsa)},"tee-evidence":${report}}`),
      "0.2.0",
    );
    expect(Object.keys(read)).toEqual(["teePubkey", "evidence"]);
    expect(read.teePubkey).toEqual(rsa);
  });

  const ROWS: readonly (readonly [name: string, changes: Readonly<Record<string, SerdeValue>>])[] = [
    ["a member that nobody knows", { "tee-pubkey": EC }],
    ["init-data in a format that nobody knows", { "init-data": { format: "json", body: "{}" } }],
    ["a private key", { "runtime-data": { nonce: "", "tee-pubkey": { ...EC, d: POINT } } }],
    [
      "a key of a kind that is not sealed to",
      { "runtime-data": { nonce: "", "tee-pubkey": { kty: "AKP", alg: "ML-KEM-768+A192KW", pub: "AA" } } },
    ],
    ["a key with a member too many", { "runtime-data": { nonce: "", "tee-pubkey": { ...EC, use: "enc" } } }],
    [
      "a coordinate as a number",
      { "runtime-data": { nonce: "", "tee-pubkey": { ...EC, x: 9007199254740993n } } },
    ],
    ["no nonce", { "runtime-data": { "tee-pubkey": EC } }],
    ["further devices as an object", { "tee-evidence": { primary_evidence: "@", additional_evidence: {} } }],
    ["no evidence", { "tee-evidence": { additional_evidence: "" } }],
    [
      "evidence of another kind",
      { "tee-evidence": { primary_evidence: { quote: "AA" }, additional_evidence: "" } },
    ],
    ["evidence as text, as it was sent before 0.2.0", { "tee-evidence": "e30" }],
  ];
  it.each(ROWS)("is refused: %s", (_name, changes) => {
    expect(codeOf(() => decodeKbsAttestation(body(report, changes), "0.4.0"))).toBe("evidence/malformed");
  });

  it("is refused in the other version's place", () => {
    const older = utf8(`{"tee-pubkey":${serdeText(EC)},"tee-evidence":${report}}`);
    expect(codeOf(() => decodeKbsAttestation(older, "0.4.0"))).toBe("evidence/malformed");
    expect(codeOf(() => decodeKbsAttestation(body(report), "0.2.0"))).toBe("evidence/malformed");
  });

  it("is refused where a member stands twice", () => {
    const twice =
      parseUtf8(body(report))?.replace('"init-data":null', '"init-data":null,"init-data":null') ?? "";
    expect(codeOf(() => decodeKbsAttestation(utf8(twice), "0.4.0"))).toBe("evidence/malformed");
  });

  it("is refused beyond 256 KiB", () => {
    const long = body(report, { "init-data": { format: "toml", body: "#".repeat(256 * 1024) } });
    expect(codeOf(() => decodeKbsAttestation(long, "0.4.0"))).toBe("request/too-large");
  });
});
