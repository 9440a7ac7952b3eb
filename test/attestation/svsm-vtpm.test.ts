/** Does a quote of an SVSM's vTPM count for the report, the TPM and the challenge that it was made for, and for nothing else? */
import { createHash } from "node:crypto";
import { fc, it as property } from "@fast-check/vitest";
import { beforeAll, describe, expect, it } from "vitest";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { credentialProof, svsmVtpmBinder } from "../../src/attestation/svsm/vtpm-binder.ts";
import { attestationKeyIn } from "../../src/attestation/tpm/attestation-key.ts";
import { endorsementKeyIn } from "../../src/attestation/tpm/endorsement-key.ts";
import { parseEventLog, replayed } from "../../src/attestation/tpm/event-log.ts";
import { type Credential, makeCredential } from "../../src/attestation/tpm/make-credential.ts";
import { OBJECT } from "../../src/attestation/tpm/words.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes, hexOf, parseHex, utf8 } from "../../src/base/bytes.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest } from "../../src/simulator/svsm.ts";
import { createSimulatedSvsmVtpm, generateSvsmVtpmKeys } from "../../src/simulator/svsm-vtpm.ts";
import { random } from "../client/sealed-answer.ts";
import { codeOf, codeOfPromise } from "../support/faults.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import {
  manifestOf,
  OTHER_SVSM_VTPM,
  SVSM_VTPM,
  type SvsmDeviation,
  svsmEvidence,
  UEFI_SERVICE,
} from "../support/simulated-svsm.ts";
import { bootLog, secureBootEvent, separators } from "./boot-log.ts";

const SECRET = random(32);
const BINDER = random(64);
const hex = (text: string): Uint8Array => parseHex(text.replaceAll(" ", "")) ?? new Uint8Array(0);
const root = simulatedRoot("milan");
const chip = createSimulatedChip(root);
let credential: Credential;

beforeAll(async () => {
  credential = await credentialFor(SVSM_VTPM.ek, SVSM_VTPM.keys.akName);
});

async function credentialFor(ek: Uint8Array, name: Uint8Array, secret = SECRET): Promise<Credential> {
  const plan = { ek: endorsementKeyIn(ek, "request/malformed"), name };
  const made = await makeCredential(secret, plan, { primitives: nodePrimitives, random });
  if (made === undefined) throw new Error("a credential");
  return made;
}

/** @param knows - Whether whoever verifies made the credential. */
async function verified(deviation: SvsmDeviation = {}, by: Credential = credential, knows = true) {
  const carried = svsmEvidence({ binder: BINDER, chip }, by, deviation);
  const evidence = parseEvidence({ ...carried, endorsements: endorsementsOf(root, chip, SIMULATED_NOW) });
  const crls = evidence.crls.map((der) => ({ der }));
  const endorsements = { certificates: evidence.certificates, crls };
  const options = knows ? { credentialSecretOf: () => SECRET.slice() } : {};
  return verifyEvidence(evidence, endorsements, { ...simulatedTrust("milan"), ...options });
}

describe("a quote of an SVSM's vTPM", () => {
  it("gives the registers, and which boot they are of", async () => {
    const { vtpm } = await verified();
    expect(vtpm?.pcrs).toHaveLength(24);
    expect(hexOf(vtpm?.pcrs[11] ?? SECRET)).toBe(
      createHash("sha256").update("simulated PCR 11").digest("hex"),
    );
    expect([vtpm?.resetCount, vtpm?.isSecureBoot]).toEqual([3, undefined]);
  });

  it("gives nothing where it is not sent, and nothing to who made no credential", async () => {
    expect((await verified({ beside: () => undefined })).vtpm).toBeUndefined();
    expect((await verified({}, credential, false)).vtpm).toBeUndefined();
  });

  it("asks for the secret by the manifest's key and the name of the key that quoted", async () => {
    const asked: (readonly Uint8Array[])[] = [];
    const carried = svsmEvidence({ binder: BINDER, chip }, credential);
    const evidence = parseEvidence({ ...carried, endorsements: endorsementsOf(root, chip, SIMULATED_NOW) });
    const crls = evidence.crls.map((der) => ({ der }));
    await verifyEvidence(
      evidence,
      { certificates: evidence.certificates, crls },
      {
        ...simulatedTrust("milan"),
        credentialSecretOf: (...keys) => {
          asked.push(keys);
          return SECRET.slice();
        },
      },
    );
    expect(asked).toEqual([[SVSM_VTPM.ek, SVSM_VTPM.keys.akName]]);
  });

  const other = { vtpm: OTHER_SVSM_VTPM };
  const rows: readonly (readonly [string, SvsmDeviation, string])[] = [
    ["the proof of nothing", { beside: () => ({ proof: new Uint8Array(32) }) }, "evidence/ak-unproven"],
    ["the secret itself as its proof", { beside: () => ({ proof: SECRET }) }, "evidence/ak-unproven"],
    [
      "the proof of another report",
      { beside: () => ({ proof: credentialProof(SECRET, random(64), nodePrimitives) }) },
      "evidence/ak-unproven",
    ],
    [
      "a proof that was cut short",
      { beside: ({ proof }) => ({ proof: proof.slice(0, 31) }) },
      "evidence/ak-unproven",
    ],
    ["a TPM that could not open the credential", other, "evidence/ak-unproven"],
    [
      "another key of the same TPM",
      { beside: () => ({ ak: OTHER_SVSM_VTPM.ak }) },
      "evidence/quote-signature",
    ],
    ["a manifest without a vTPM", { manifest: svsmManifest([]) }, "evidence/ek-missing"],
    [
      "a manifest whose key is another service's",
      { manifest: manifestOf(SVSM_VTPM.ek, UEFI_SERVICE) },
      "evidence/ek-missing",
    ],
    ["the manifest of a single service", { manifest: SVSM_VTPM.ek }, "evidence/ek-missing"],
    [
      "a manifest whose key is none",
      { manifest: manifestOf(utf8("an endorsement key")) },
      "evidence/ek-missing",
    ],
    [
      "a manifest whose key goes on",
      { manifest: manifestOf(concatBytes(SVSM_VTPM.ek, new Uint8Array(1))) },
      "evidence/ek-missing",
    ],
    [
      "a manifest whose key signs",
      { manifest: manifestOf(changedAttributes(SVSM_VTPM.ek, OBJECT.sign)) },
      "evidence/ek-missing",
    ],
    ["the attestation key in the manifest", { manifest: manifestOf(SVSM_VTPM.ak) }, "evidence/ek-missing"],
    ["an attestation key that is none", { beside: () => ({ ak: utf8("a key") }) }, "evidence/malformed"],
    [
      "an attestation key that goes on",
      { beside: ({ ak }) => ({ ak: concatBytes(ak, new Uint8Array(1)) }) },
      "evidence/malformed",
    ],
    ["a quote over another report", { quote: { qualifyingData: random(32) } }, "channel/not-bound"],
    ["a quote over nothing", { quote: { qualifyingData: new Uint8Array(0) } }, "channel/not-bound"],
    ["a quote over the binder", { quote: { qualifyingData: BINDER.slice(0, 32) } }, "channel/not-bound"],
    ["something else than a quote", { quote: { type: 0x8017 } }, "evidence/quote-type"],
    ["what no TPM made", { quote: { magic: 0xff544348 } }, "evidence/quote-type"],
    ["another bank", { quote: { selections: [bank(4)] } }, "evidence/quote-selection"],
    ["a bank twice", { quote: { selections: [bank(0xb), bank(0xb)] } }, "evidence/quote-selection"],
    ["fewer registers", { quote: { selections: [bank(0xb, 0x7f)] } }, "evidence/quote-selection"],
    ["values that were not quoted", { quote: { digested: [random(32)] } }, "evidence/quote-digest"],
    [
      "bytes after the quote",
      { quote: { patchAfter: (attest) => concatBytes(attest, Uint8Array.of(0)) } },
      "evidence/malformed",
    ],
    [
      "a quote that was changed",
      { quote: { patchAfter: (attest) => attest.with(60, (attest[60] ?? 0) ^ 1) } },
      "evidence/quote-signature",
    ],
    ["a report at the guest's own level", { report: { vmpl: 2 } }, "evidence/wrong-vmpl"],
    [
      "the log of another boot",
      { beside: () => ({ eventLog: bootLog(separators()) }) },
      "evidence/event-log",
    ],
    ["a log that is none", { beside: () => ({ eventLog: utf8("log") }) }, "evidence/malformed"],
  ];
  it.each(rows)("is refused with %s", async (_, deviation, code) => {
    expect(await codeOfPromise(verified(deviation))).toBe(code);
  });

  it("is refused with a difference in any byte of the proof", async () => {
    for (let at = 0; at < 32; at += 1) {
      const beside: SvsmDeviation["beside"] = ({ proof }) => ({
        proof: proof.with(at, (proof[at] ?? 0) ^ 1),
      });
      expect(await codeOfPromise(verified({ beside })), `byte ${at}`).toBe("evidence/ak-unproven");
    }
  });

  it("is refused where the credential was made for another key, TPM or secret", async () => {
    const foreign = [
      await credentialFor(SVSM_VTPM.ek, OTHER_SVSM_VTPM.keys.akName),
      await credentialFor(OTHER_SVSM_VTPM.ek, SVSM_VTPM.keys.akName),
      await credentialFor(SVSM_VTPM.ek, SVSM_VTPM.keys.akName, random(32)),
    ];
    for (const one of foreign) expect(await codeOfPromise(verified({}, one))).toBe("evidence/ak-unproven");
  });

  it("says by its log whether secure boot was on", async () => {
    const log = bootLog([secureBootEvent(1), ...separators()]);
    const pcrs = Object.fromEntries(replayed(parseEventLog(log), nodePrimitives));
    const vtpm = createSimulatedSvsmVtpm(generateSvsmVtpmKeys(), pcrs);
    const by = await credentialFor(vtpm.ek, vtpm.keys.akName);
    const deviation = { vtpm, manifest: manifestOf(vtpm.ek), beside: () => ({ eventLog: log }) };
    expect((await verified(deviation, by)).vtpm?.isSecureBoot).toBe(true);
  });

  function bank(algorithm: number, last = 0xff) {
    return { bank: algorithm, bits: Uint8Array.of(0xff, 0xff, last) };
  }
});

describe("an attestation key", () => {
  const unfit: readonly (readonly [string, Uint8Array])[] = [
    ...(["fixedTpm", "fixedParent", "sensitiveDataOrigin", "restricted", "sign"] as const).map(
      (bit) => [`without ${bit}`, changedAttributes(SVSM_VTPM.ak, OBJECT[bit])] as const,
    ),
    ["that decrypts too", changedAttributes(SVSM_VTPM.ak, OBJECT.decrypt)],
    ["that signs certificates", changedAttributes(SVSM_VTPM.ak, 0x8_0000)],
    ["of an encrypted duplication", changedAttributes(SVSM_VTPM.ak, 0x800)],
    ["with a reserved attribute", changedAttributes(SVSM_VTPM.ak, 0x8000_0000)],
    ["named by SHA-1", SVSM_VTPM.ak.with(3, 0x04)],
    ["of a scheme with SHA-1", SVSM_VTPM.ak.with(15, 0x04)],
    ["of another scheme", SVSM_VTPM.ak.with(13, 0x1b)],
    ["on P-384", SVSM_VTPM.ak.with(17, 0x04)],
    ["of RSA with 3072 bits", rsaKey("0c00", 384)],
    ["of RSA with another exponent", rsaKey("0800", 256, "00000003")],
    ["of RSASSA-PSS", rsaKey("0800", 256, "00000000", "0016")],
    ["of a template", hex("0023 000b 00050472 0000 0010 0018 000b 0003 0010 0000 0000")],
    ["for encryption", SVSM_VTPM.ek],
  ];
  it.each(unfit)("%s is unfit", (_, area) => {
    expect(codeOf(() => attestationKeyIn(area, nodePrimitives))).toBe("evidence/ak-unfit");
  });

  it.each([
    ["P-256", SVSM_VTPM.ak],
    ["RSA", rsaKey("0800", 256)],
    ["RSA and its exponent", rsaKey("0800", 256, "00010001")],
    ["P-256, used by policy", changedAttributes(SVSM_VTPM.ak, OBJECT.adminWithPolicy | OBJECT.userWithAuth)],
  ])("of %s is one, and is called by its hash", (_, area) => {
    const { name } = attestationKeyIn(area, nodePrimitives);
    expect(hexOf(name)).toBe(`000b${createHash("sha256").update(area).digest("hex")}`);
  });

  property.prop([fc.uint8Array({ maxLength: 120 })])("is read or refused, whatever its bytes", (bytes) => {
    const read = codeOf(() => attestationKeyIn(bytes, nodePrimitives)) ?? "read";
    expect(read).toMatch(/^(evidence\/malformed|evidence\/ak-unfit|read)$/);
    expect(codeOf(() => endorsementKeyIn(bytes, "evidence/ek-missing")) ?? "read").toMatch(
      /^(evidence\/ek-missing|read)$/,
    );
  });
});

describe("an endorsement key", () => {
  const P256_EK = concatBytes(
    hex(
      "0023 000b 000300b2 0020 837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa 0006 0080 0043 0010 0003 0010",
    ),
    hex(`0020 ${"11".repeat(32)} 0020 ${"22".repeat(32)}`),
  );

  it("of RSA or P-256 is one where TCG's default templates made it", () => {
    expect(endorsementKeyIn(SVSM_VTPM.ek, "evidence/ek-missing").kind).toBe("rsa");
    expect(endorsementKeyIn(P256_EK, "evidence/ek-missing").kind).toBe("ecc");
  });

  it.each([
    ...(["fixedTpm", "fixedParent", "sensitiveDataOrigin", "restricted", "decrypt"] as const).map(
      (bit) => [`without ${bit}`, changedAttributes(SVSM_VTPM.ek, OBJECT[bit])] as const,
    ),
    ["that signs", changedAttributes(SVSM_VTPM.ek, OBJECT.sign)],
    ["named by SHA-384", SVSM_VTPM.ek.with(3, 0x0c)],
    ["with AES-256", P256_EK.with(44, 1).with(45, 0)],
    ["with another mode", P256_EK.with(47, 0x42)],
    ["with a scheme", concatBytes(P256_EK.slice(0, 48), hex("0019 000b"), P256_EK.slice(50))],
    ["on P-384", P256_EK.with(51, 4)],
    ["with a short coordinate", concatBytes(P256_EK.slice(0, -34), hex("0001 22"))],
    ["that is cut off", P256_EK.slice(0, -1)],
    ["that is none", new Uint8Array(0)],
  ] as const)("%s is none", (_, area) => {
    expect(codeOf(() => endorsementKeyIn(area, "evidence/ek-missing"))).toBe("evidence/ek-missing");
  });
});

describe("what binds a quote to an exchange", () => {
  it("is the hash and the MAC that PROTOCOL says", () => {
    const data = new Uint8Array(64).fill(0x11);
    const lp = (bytes: Uint8Array) => concatBytes(hex(bytes.length.toString(16).padStart(8, "0")), bytes);
    const quoted = createHash("sha256")
      .update(lp(utf8("ostiary/svsm-vtpm/v1")))
      .update(lp(data))
      .digest();
    expect(svsmVtpmBinder(data, nodePrimitives)).toEqual(Uint8Array.from(quoted));
    const proven = concatBytes(lp(utf8("ostiary/svsm-credential/v1")), lp(data));
    expect(credentialProof(SECRET, data, nodePrimitives)).toEqual(
      nodePrimitives.hmac("sha256", SECRET, proven),
    );
  });
});

/** Of a public area, with these attributes turned over. */
function changedAttributes(area: Uint8Array, bits: number): Uint8Array {
  const changed = area.slice();
  const view = new DataView(changed.buffer);
  view.setUint32(4, (view.getUint32(4) ^ bits) >>> 0);
  return changed;
}

function rsaKey(bits: string, size: number, exponent = "00000000", scheme = "0014"): Uint8Array {
  const head = hex(`0001 000b 00050472 0000 0010 ${scheme} 000b ${bits} ${exponent}`);
  return concatBytes(head, hex(size.toString(16).padStart(4, "0")), new Uint8Array(size).fill(0xc1));
}
