/** Do any bytes whatever give a fault of the right family, and nothing else? Parsers, the memo's bounds, and the whole verifier. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { amdExtensionsOf } from "../../src/attestation/endorsement/amd-extensions.ts";
import { elementsOf, parseDer } from "../../src/attestation/endorsement/der.ts";
import { createChainMemo } from "../../src/attestation/endorsement/memo.ts";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { type Certificate, parseCertificate, parseCrl } from "../../src/attestation/endorsement/x509.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { parseCertTable } from "../../src/attestation/snp/cert-table.ts";
import { parseReport } from "../../src/attestation/snp/report.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes, equalBytes } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { pssForm } from "../../src/simulator/certificate.ts";
import { certTableOf, pemOf } from "../../src/simulator/chip-folder.ts";
import { bitString, element, integer, sequence } from "../../src/simulator/der.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const root = simulatedRoot("turin");
const chip = createSimulatedChip(root);
const report = chip.report({ reportData: new Uint8Array(64).fill(5) });
const crl = root.crl({ thisUpdate: SIMULATED_NOW, revokedSerials: [77n] });
const table = certTableOf(root, chip, SIMULATED_NOW);
const pem = new TextEncoder().encode(`${pemOf(root.ask)}${pemOf(root.ark)}`);

/** One edit: some bytes in the place of some others. */
interface Edit {
  readonly at: number;
  readonly cut: number;
  readonly put: Uint8Array;
}

const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.nat({ max: 0xffff }),
  cut: fc.nat({ max: 4 }),
  put: fc.uint8Array({ maxLength: 4 }),
});

function edited(good: Uint8Array, edits: readonly Edit[]): Uint8Array {
  return edits.reduce((bytes, { at, cut, put }) => {
    const from = at % (bytes.length + 1);
    return concatBytes(bytes.slice(0, from), put, bytes.slice(from + cut));
  }, good);
}

/** Any bytes, or good ones after a few edits, of which most keep the length. */
function near(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const inPlace = edit.map(({ at, put }) => ({ at, put, cut: put.length }));
  return fc.oneof(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }) },
    { weight: 2, arbitrary: fc.array(edit, { maxLength: 3 }).map((edits) => edited(good, edits)) },
    {
      weight: 4,
      arbitrary: fc.array(inPlace, { minLength: 1, maxLength: 6 }).map((edits) => edited(good, edits)),
    },
  );
}

const runs = { numRuns: 400 };

describe("any bytes", () => {
  property.prop([near(report)], runs)("as a report are parsed, or refused as evidence", (bytes) => {
    expect(codeOf(() => parseReport(bytes)) ?? "evidence/").toMatch(/^evidence\//);
  });

  property.prop([near(report), near(table), fc.array(near(chip.leaf), { maxLength: 9 })], { numRuns: 150 })(
    "as evidence are parsed, or refused as evidence",
    (bytes, certTable, endorsements) => {
      const parse = () => parseEvidence({ format: "raw", report: bytes, certTable, endorsements });
      expect(codeOf(parse) ?? "evidence/").toMatch(/^evidence\//);
    },
  );

  property.prop([near(table)], runs)("as a certificate table are parsed, or refused as evidence", (bytes) => {
    expect(codeOf(() => parseCertTable(bytes)) ?? "evidence/malformed").toBe("evidence/malformed");
  });

  property.prop([fc.oneof(near(chip.leaf), near(root.ark))], runs)(
    "as a certificate are parsed, or refused as an endorsement, and so are its extensions",
    (bytes) => {
      let certificate: Certificate | undefined;
      const parse = () => {
        certificate = parseCertificate(bytes);
      };
      expect(codeOf(parse) ?? "endorsement/malformed").toBe("endorsement/malformed");
      const parsed = certificate;
      if (parsed === undefined) return;
      expect(equalBytes(parsed.der, bytes)).toBe(true);
      expect(codeOf(() => amdExtensionsOf(parsed)) ?? "endorsement/malformed").toBe("endorsement/malformed");
    },
  );

  property.prop([fc.dictionary(fc.constantFrom(...leafOids()), near(Uint8Array.of(2, 1, 24)))], runs)(
    "as AMD's extensions are read, or refused as an endorsement",
    (values) => {
      const good = parseCertificate(chip.leaf);
      const changed = Object.entries(values).map(
        ([oid, value]) => [oid, { oid, isCritical: false, value }] as const,
      );
      const leaf: Certificate = { ...good, extensions: new Map([...good.extensions, ...changed]) };
      expect(codeOf(() => amdExtensionsOf(leaf)) ?? "endorsement/malformed").toBe("endorsement/malformed");
    },
  );

  property.prop([near(crl)], runs)("as a CRL are parsed, or refused as one", (bytes) => {
    expect(codeOf(() => parseCrl(bytes)) ?? "endorsement/crl-invalid").toBe("endorsement/crl-invalid");
  });

  property.prop([fc.oneof(near(pem), near(crl), near(root.ask))], runs)(
    "as a file of endorsements are split, or refused as endorsements",
    (bytes) => {
      const code = codeOf(() => parseEndorsementFile(bytes));
      expect(code ?? "endorsement/malformed").toBe("endorsement/malformed");
    },
  );

  property.prop([fc.uint8Array({ maxLength: 64 })], runs)("as DER are read whole, or refused", (bytes) => {
    const code = codeOf(() => {
      const whole = concatBytes(...elementsOf(bytes).map((part) => part.whole));
      expect(equalBytes(whole, bytes)).toBe(true);
    });
    expect(code ?? "endorsement/malformed").toBe("endorsement/malformed");
  });

  property.prop([near(report), near(chip.leaf), near(root.ask), near(root.ark), near(crl)], { numRuns: 200 })(
    "are verified only where they are the good ones",
    async (...parts) => {
      const good = [report, chip.leaf, root.ask, root.ark, crl];
      const [bytes, leaf, ask, ark, der] = parts;
      const verify = async () => {
        const evidence = parseEvidence({ format: "raw", report: bytes });
        const endorsements = { certificates: [leaf, ask, ark], crls: [{ der }] };
        await verifyEvidence(evidence, endorsements, simulatedTrust("turin"));
      };
      const code = await codeOfPromise(verify());
      const areGood = parts.every((part, at) => equalBytes(part, good[at] ?? new Uint8Array(0)));
      if (code === undefined) expect(areGood).toBe(true);
      else expect(code).toMatch(/^(evidence|endorsement)\//);
    },
  );
});

function leafOids(): readonly string[] {
  return [...parseCertificate(chip.leaf).extensions.keys()];
}

describe("DER that is built to hurt", () => {
  const SIZE = 7500;
  const nested = (tag: number): Uint8Array => {
    let deep: Uint8Array = new Uint8Array(0);
    while (deep.length < SIZE) deep = element(tag, deep);
    return deep;
  };
  const algorithm = pssForm("sha384", false).algorithm;
  const signed = (...tbs: readonly Uint8Array[]) =>
    sequence(sequence(...tbs), algorithm, bitString(new Uint8Array(512)));
  const indefinite = Uint8Array.from({ length: SIZE }, (_, at) => (at % 2 === 0 ? 0x30 : 0x80));

  it.each([
    ["thousands of nested sequences", signed(integer(1), algorithm, nested(0x30))],
    ["thousands of nested constructed strings", signed(integer(1), algorithm, nested(0x24))],
    ["thousands of nested octet strings", signed(integer(1), algorithm, nested(0x04))],
    [
      "thousands of elements",
      signed(integer(1), algorithm, ...Array.from({ length: 3000 }, () => Uint8Array.of(5, 0))),
    ],
    ["indefinite lengths", signed(integer(1), algorithm, element(0x04, indefinite))],
    ["a length of 4 GiB", Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)],
    ["a length that is not minimal", Uint8Array.of(0x30, 0x81, 0x01, 0x00)],
    ["a tag of many bytes", Uint8Array.of(0x3f, 0x81, 0x01, 0x00)],
  ])("is refused at once: %s", (_name, der) => {
    expect(codeOf(() => parseCertificate(der))).toBe("endorsement/malformed");
    expect(codeOf(() => parseCrl(der))).toBe("endorsement/crl-invalid");
  });

  it("is refused beyond the size that AMD's certificates and CRLs have", () => {
    const over = (size: number) => sequence(new Uint8Array(size));
    expect(codeOf(() => parseCertificate(over(8192)))).toBe("endorsement/malformed");
    expect(codeOf(() => parseCrl(over(65_536)))).toBe("endorsement/crl-invalid");
  });

  it.each([
    ["cut short", [0x30, 0x02, 0x05]],
    ["without a length", [0x05]],
    ["with a length that is cut short", [0x05, 0x82, 0x01]],
    ["with a long length where a short one serves", [0x05, 0x81, 0x01, 0x00]],
    ["with a zero before its length", [0x05, 0x82, 0x00, 0x80, ...new Uint8Array(128)]],
    ["of indefinite length", [0x30, 0x80, 0x00, 0x00]],
    ["with a tag of many bytes", [0x1f, 0x01, 0x00]],
  ])("is refused %s", (_name, bytes) => {
    expect(codeOf(() => elementsOf(Uint8Array.from(bytes)))).toBe("endorsement/malformed");
  });

  it("is refused as one element where there are two", () => {
    expect(codeOf(() => parseDer(Uint8Array.of(5, 0, 5, 0), 5))).toBe("endorsement/malformed");
    expect(codeOf(() => parseDer(Uint8Array.of(5, 0), 4))).toBe("endorsement/malformed");
  });
});

describe("the chain's memo", () => {
  /** How many signatures are verified again after `between` other certificates have passed through a memo of this size. */
  async function verifiedAgain(maxEntries: number, between: number): Promise<number> {
    let verified = 0;
    const primitives: typeof nodePrimitives = {
      ...nodePrimitives,
      verify: (...args) => {
        verified += 1;
        return nodePrimitives.verify(...args);
      },
    };
    const memo = createChainMemo(maxEntries);
    const ark = memo.certificate(root.ark, primitives);
    const ask = memo.certificate(root.ask, primitives);
    expect(await memo.isSigned(ask, ark, primitives)).toBe(true);
    for (let i = 0; i < between; i += 1) {
      const other = { id: `other ${i}`, value: ask.value };
      await memo.isSigned(other, ark, primitives); // in order: each one pushes
    }
    verified = 0;
    expect(await memo.isSigned(ask, ark, primitives)).toBe(true);
    return verified;
  }

  it("remembers what fits and forgets what was used longest ago", async () => {
    expect(await verifiedAgain(4, 3)).toBe(0);
    expect(await verifiedAgain(4, 4)).toBe(1);
  });

  it("gives one certificate back for one DER, and parses anew what it had to forget", () => {
    const memo = createChainMemo(2);
    const ark = memo.certificate(root.ark, nodePrimitives);
    expect(memo.certificate(root.ark.slice(), nodePrimitives)).toBe(ark);
    memo.certificate(root.ask, nodePrimitives);
    memo.certificate(root.asvk, nodePrimitives);
    expect(memo.certificate(root.ark, nodePrimitives)).not.toBe(ark);
    expect(memo.crl(crl, nodePrimitives)).toBe(memo.crl(crl, nodePrimitives));
  });

  it("keeps no failure to parse, and a bad signature as a bad one", async () => {
    const memo = createChainMemo(4);
    const junk = () => memo.certificate(new Uint8Array(9), nodePrimitives);
    expect([codeOf(junk), codeOf(junk)]).toEqual(["endorsement/malformed", "endorsement/malformed"]);
    const [leaf, ark] = [chip.leaf, root.ark].map((der) => memo.certificate(der, nodePrimitives));
    if (leaf === undefined || ark === undefined) throw new Error("no certificates");
    expect(await memo.isSigned(leaf, ark, nodePrimitives)).toBe(false);
    expect(await memo.isSigned(leaf, ark, nodePrimitives)).toBe(false);
  });

  it("proves nothing about dates: what verified today is refused when it has expired", async () => {
    const trust = simulatedTrust("turin");
    const evidence = parseEvidence({ format: "raw", report });
    const endorsements = { certificates: [chip.leaf, root.ask, root.ark], crls: [{ der: crl }] };
    const at = (now: typeof trust.now) =>
      codeOfPromise(verifyEvidence(evidence, endorsements, { ...trust, now }));
    expect(await at(SIMULATED_NOW)).toBeUndefined();
    expect(await at(addSeconds(SIMULATED_NOW, 400 * 86_400))).toBe("endorsement/crl-stale");
    expect(await at(addSeconds(SIMULATED_NOW, 10 * 31_536_000))).toBe("endorsement/expired");
    expect(await at(addSeconds(SIMULATED_NOW, -1))).toBe("endorsement/crl-stale");
    expect(await at(SIMULATED_NOW)).toBeUndefined();
  });
});
