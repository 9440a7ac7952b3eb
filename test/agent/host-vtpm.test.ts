/** Does the quote that goes with a report belong to it, by the key that the host certified, and is what is missing named? */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHostVtpm } from "../../src/agent/providers/host-vtpm.ts";
import type { CarriedRaw } from "../../src/attestation/evidence.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { readPcrs } from "../../src/attestation/tpm/pcrs.ts";
import type { Transact } from "../../src/attestation/tpm/transact.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { concatBytes, hexOf, u16be, u32be } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { random } from "../client/sealed-answer.ts";
import { CONTEXT } from "../policy/report-bytes.ts";
import { simulatedProvider, simulatedProviders } from "../support/provider.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import { describeWithSwtpm, extendPcr, extension, startTpm, type TestTpm } from "../support/swtpm.ts";
import { defineNv, undefineNv } from "../support/swtpm-azure.ts";
import { akOf, akTemplate, NV, provisionAk, putNv } from "../support/swtpm-google.ts";

const { digest } = nodePrimitives;
const [CREATE_PRIMARY, QUOTE, PCR_READ] = [0x131, 0x158, 0x17e];
const [ECDSA, ECDAA] = [0x0018, 0x001a];
const INDICES = [NV.rsa.certificate, NV.rsa.template, NV.ecc.certificate, NV.ecc.template];

const root = simulatedRoot("genoa");
const chip = createSimulatedChip(root);

/** A guest that has its own report. */
const reporter: EvidenceProvider<CarriedRaw> = {
  name: "reporter",
  format: "raw",
  vmpl: 0,
  attest: async (binder) => ({
    format: "raw",
    report: chip.report({ reportData: binder }),
    certTable: certTableOf(root, chip, SIMULATED_NOW),
  }),
};

/** Runs before each command, told its code, on the connection that is open. May answer in the TPM's place. */
type Before = (code: number, transact: Transact, command: Uint8Array) => Promise<Uint8Array | undefined>;

function opened(
  device: string,
  before: Before = async () => undefined,
  provider: EvidenceProvider = reporter,
) {
  const watched =
    (transact: Transact): Transact =>
    async (command) =>
      (await before(new DataView(command.buffer, command.byteOffset).getUint32(6), transact, command)) ??
      transact(command);
  return openHostVtpm(provider, {
    digest,
    withTpm: (work) => withTpm(device, (transact) => work(watched(transact))),
  });
}

/** What a broker that knows Google's authority makes of the evidence: its facts. */
async function believed(binder: Uint8Array, provider: EvidenceProvider) {
  const evidence = parseEvidence(await provider.attest(binder));
  const endorsements = {
    certificates: evidence.certificates,
    crls: evidence.crls.map((der) => ({ der })),
  };
  const trust = { ...simulatedTrust("genoa"), providers: simulatedProviders() };
  return factsOf(await verifyEvidence(evidence, endorsements, trust), CONTEXT);
}

async function outcomeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "done";
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return [thrown.code, thrown.detail["reason"]].filter((word) => word !== undefined).join(" ");
  }
}

describeWithSwtpm("a quote of the host's vTPM beside the report", () => {
  let tpm: TestTpm;
  const binder = random(64);

  beforeAll(async () => {
    tpm = await startTpm();
    await extendPcr(11, tpm.device);
  }, 30_000);
  afterAll(() => tpm.remove());

  async function emptied(): Promise<void> {
    for (const index of INDICES) await undefineNv(tpm.device, index); // in order: one TPM
  }

  async function only(kind: "rsa" | "ecc"): Promise<void> {
    await emptied();
    await provisionAk(tpm.device, kind);
  }

  /** TPM2_GetCapability: how many objects are loaded. */
  async function loaded(): Promise<number> {
    const command = concatBytes(
      u16be(0x8001),
      u32be(22),
      u32be(0x17a),
      u32be(1),
      u32be(0x8000_0000),
      u32be(9),
    );
    const answer = await withTpm(tpm.device, (transact) => transact(command));
    return new DataView(answer.buffer, answer.byteOffset).getUint32(15);
  }

  it.each([
    ["rsa", 256],
    ["ecc", 64],
  ] as const)(
    "by a key of %s is what a broker believes, and says what the registers hold",
    async (kind, size) => {
      await only(kind);
      const provider = await opened(tpm.device);
      expect([provider.name, provider.format, provider.vmpl]).toEqual(["reporter", "raw", 0]);
      const carried = await provider.attest(binder);
      if (carried.format !== "raw") throw new Error("not raw");
      expect(carried.hostVtpm?.signature.length).toBe(size);
      const facts = await believed(binder, provider);
      const [value] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
      expect(value).not.toEqual(new Uint8Array(32));
      expect(facts.get("host_vtpm.pcr[11]")).toBe(hexOf(value ?? random(0)));
      expect(await loaded()).toBe(0);
    },
  );

  describe("by a key on P-256", () => {
    beforeAll(() => only("ecc"));

    it.each([
      ["31 and of 1", [31, 1], `00${"77".repeat(31)}${"00".repeat(31)}77`],
      ["32 and of 32", [32, 32], "77".repeat(64)],
      ["33 and of 32", [33, 32], "tpm/malformed"],
      ["32 and of 33", [32, 33], "tpm/malformed"],
    ])("has 64 bytes or is refused where the TPM gives numbers of %s", async (_name, sizes, expected) => {
      const provider = await opened(tpm.device, async (code, transact, command) => {
        if (code !== QUOTE) return undefined;
        return withNumbers(await transact(command), sizes);
      });
      const signed = async () => {
        const carried = await provider.attest(binder);
        return carried.format === "raw" && hexOf(carried.hostVtpm?.signature ?? random(0));
      };
      expect(await signed().catch((thrown: unknown) => (isFault(thrown) ? thrown.code : thrown))).toBe(
        expected,
      );
      expect(await loaded()).toBe(0);
    });

    it.each([
      [1, "done"],
      [4, "done"],
      [99, "tpm/unavailable"],
    ])(
      "is asked for again where a register changed before it was read, %i times: %s",
      async (times, expected) => {
        let [left, quotes] = [times, 0];
        const provider = await opened(tpm.device, async (code, transact) => {
          if (code === QUOTE) quotes += 1;
          if (code !== PCR_READ || left === 0 || times - left >= quotes) return undefined;
          left -= 1;
          await transact(extension(16));
          return undefined;
        });
        expect(await outcomeOf(believed(binder, provider))).toBe(expected);
        expect([quotes, await loaded()]).toEqual([Math.min(times + 1, 5), 0]);
      },
    );

    it.each([
      ["TPM2_Quote", QUOTE],
      ["TPM2_PCR_Read", PCR_READ],
    ])("leaves nothing in the TPM after a refusal of %s", async (_name, refused) => {
      const provider = await opened(tpm.device, async (code) =>
        code === refused ? concatBytes(u16be(0x8001), u32be(10), u32be(0x101)) : undefined,
      );
      for (let times = 0; times < 4; times += 1)
        expect(await outcomeOf(provider.attest(binder))).toBe("tpm/unavailable");
      expect(await loaded()).toBe(0);
      expect(await outcomeOf(believed(binder, await opened(tpm.device)))).toBe("done");
    });

    it("is by the scheme of its key, and over what was asked for, whatever comes over the bus", async () => {
      const asked = (change: (transact: Transact, command: Uint8Array) => Promise<Uint8Array>) =>
        opened(tpm.device, async (code, transact, command) =>
          code === QUOTE ? change(transact, command) : undefined,
        ).then((provider) => outcomeOf(provider.attest(binder)));
      const otherScheme = await asked(async (transact, command) =>
        withNumbers(await transact(command), [32, 32], ECDAA),
      );
      const otherData = await asked((transact, command) =>
        transact(command.with(30, (command[30] ?? 0) ^ 1)),
      );
      expect([otherScheme, otherData, await loaded()]).toEqual(["tpm/malformed", "tpm/malformed", 0]);
    });

    it("is of what was asked for, though whoever asked writes over it", async () => {
      const own = binder.slice();
      const asked = (await opened(tpm.device)).attest(own);
      own.fill(0);
      const provider = { ...reporter, attest: () => asked as Promise<CarriedRaw> };
      expect(await outcomeOf(believed(binder, provider))).toBe("done");
    });

    it("is of the exchange that asked, and of no other", async () => {
      const provider = await opened(tpm.device);
      const borrowed = { ...reporter, attest: () => provider.attest(random(64)) };
      const [{ report }, other] = [await reporter.attest(binder), await borrowed.attest()];
      const mixed = { ...reporter, attest: async () => ({ ...other, format: "raw", report }) as CarriedRaw };
      expect(await outcomeOf(believed(binder, mixed))).toBe("channel/not-bound");
    });

    it("is refused where the template makes another key than the certified one", async () => {
      await putNv(tpm.device, NV.ecc.template, akTemplate("ecc", random(32)));
      expect(await outcomeOf(believed(binder, await opened(tpm.device)))).toBe("evidence/quote-signature");
      await only("ecc");
    });
  });

  it("needs neither index to be as large as what it holds", async () => {
    await emptied();
    const template = akTemplate("ecc");
    const certificate = simulatedProvider().akCertificate(await akOf(tpm.device, template));
    await putNv(tpm.device, NV.ecc.template, concatBytes(template, new Uint8Array(60)), 512);
    await putNv(tpm.device, NV.ecc.certificate, certificate, 1500);
    const carried = await (await opened(tpm.device)).attest(binder);
    expect(carried).toMatchObject({ hostVtpm: { akCertificate: certificate } });
    expect(await outcomeOf(believed(binder, await opened(tpm.device)))).toBe("done");
  });

  it.each<[string, string, () => Promise<void>]>([
    ["nothing", "provider/unavailable no-certificate", emptied],
    [
      "a certificate without its template",
      "provider/unavailable no-template",
      () => undefineNv(tpm.device, NV.ecc.template),
    ],
    [
      "a certificate that was never written",
      "tpm/unavailable",
      () => defineNv(tpm.device, NV.ecc.certificate, 800),
    ],
    [
      "zeros in the place of a certificate",
      "provider/unavailable no-certificate",
      () => putNv(tpm.device, NV.ecc.certificate, new Uint8Array(800)),
    ],
    [
      "half of a certificate",
      "provider/unavailable no-certificate",
      () => putNv(tpm.device, NV.ecc.certificate, Uint8Array.of(0x30, 0x82, 4, 0, 1)),
    ],
    [
      "zeros in the place of a template",
      "tpm/malformed",
      () => putNv(tpm.device, NV.ecc.template, new Uint8Array(100)),
    ],
    [
      "a template larger than any",
      "tpm/malformed",
      () => putNv(tpm.device, NV.ecc.template, akTemplate("ecc"), 1025),
    ],
  ])("says so where the vTPM holds %s", async (_name, expected, change) => {
    await only("ecc");
    await change();
    expect(await outcomeOf(opened(tpm.device).then((provider) => provider.attest(binder)))).toBe(expected);
    expect(await loaded()).toBe(0);
  });

  it("reads no index that says it is larger than any certificate", async () => {
    await only("ecc");
    let reads = 0;
    const provider = await opened(tpm.device, async (code, transact) => {
      if (code === 0x14e) reads += 1;
      if (code !== 0x169) return undefined;
      const answer = await transact(
        concatBytes(u16be(0x8001), u32be(14), u32be(0x169), u32be(NV.ecc.certificate)),
      );
      return answer.slice().map((byte, at) => (at === 24 ? 0x10 : at === 25 ? 0x01 : byte)); // 4097 bytes
    });
    expect(await outcomeOf(provider.attest(binder))).toBe("tpm/malformed");
    expect(reads).toBe(0);
  });

  it("is gone with what the vTPM lost since it was opened", async () => {
    await only("ecc");
    const provider = await opened(tpm.device);
    await undefineNv(tpm.device, NV.ecc.template);
    expect(await outcomeOf(provider.attest(binder))).toBe("provider/unavailable no-template");
    await emptied();
    expect(await outcomeOf(provider.attest(binder))).toBe("provider/unavailable no-certificate");
  });

  it("is not asked for where the report could not be had", async () => {
    await only("ecc");
    const codes: number[] = [];
    const silent = { ...reporter, attest: () => Promise.reject(new Error("no report")) };
    const provider = await opened(
      tpm.device,
      async (code) => {
        codes.push(code);
        return undefined;
      },
      silent,
    );
    await expect(provider.attest(binder)).rejects.toThrow("no report");
    expect(codes).not.toContain(CREATE_PRIMARY);
  });
});

describe("without what it takes", () => {
  it("a vTPM that is not there is named, with what to do", async () => {
    const refused = await opened("/dev/tpmrm9").catch((thrown: unknown) => thrown);
    expect(isFault(refused, "provider/unavailable")).toBe(true);
    expect(String(refused)).toMatch(/\/dev\/tpmrm9.*ENOENT.*modprobe/);
  });

  it.each(["azure-hcl", "svsm"] as const)("evidence of %s has no place for it", async (format) => {
    const other = { ...reporter, format } as unknown as EvidenceProvider;
    expect(await outcomeOf(opened("/dev/tpmrm9", undefined, other))).toBe("provider/unavailable format");
  });
});

/** The TPM's answer to TPM2_Quote, with another signature. */
function withNumbers(answer: Uint8Array, sizes: readonly number[], algorithm = ECDSA): Uint8Array {
  const quoteSize = new DataView(answer.buffer, answer.byteOffset).getUint16(14);
  const quote = answer.slice(14, 16 + quoteSize);
  const numbers = sizes.map((size) => concatBytes(u16be(size), new Uint8Array(size).fill(0x77)));
  const parameters = concatBytes(quote, u16be(algorithm), u16be(0x000b), ...numbers);
  const body = concatBytes(u32be(0), u32be(parameters.length), parameters, answer.slice(-5));
  return concatBytes(u16be(0x8002), u32be(body.length + 6), body);
}
