/** Does a real TPM agree with what we make of credentials, and does the provider of a guest under an SVSM show what its vTPM holds? */
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSvsm } from "../../src/agent/providers/svsm.ts";
import { createSvsmVtpm, type SvsmVtpmParts } from "../../src/agent/providers/svsm-vtpm.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { activateCredential } from "../../src/attestation/tpm/activate-credential.ts";
import { endorsementKeyIn } from "../../src/attestation/tpm/endorsement-key.ts";
import { type Credential, makeCredential } from "../../src/attestation/tpm/make-credential.ts";
import { nameOf } from "../../src/attestation/tpm/object-name.ts";
import { readPcrs } from "../../src/attestation/tpm/pcrs.ts";
import { AK_TEMPLATE, EK_TEMPLATE } from "../../src/attestation/tpm/svsm-templates.ts";
import type { Transact } from "../../src/attestation/tpm/transact.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { hexOf } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import type { Primitives } from "../../src/base/primitives.ts";
import { factsOf } from "../../src/policy/facts.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { workerPrimitives } from "../../src/runtime/workers/primitives.ts";
import { endorsementsOf } from "../../src/simulator/chip-folder.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { svsmManifest } from "../../src/simulator/svsm.ts";
import { createSimulatedSvsmVtpm, generateSvsmVtpmKeys } from "../../src/simulator/svsm-vtpm.ts";
import { random } from "../client/sealed-answer.ts";
import { CONTEXT } from "../policy/report-bytes.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";
import { manifestOf } from "../support/simulated-svsm.ts";
import { describeWithSwtpm, extendPcr, extension, startTpm, type TestTpm } from "../support/swtpm.ts";
import {
  ECC_EK_TEMPLATE,
  ekAreaOf,
  loadedIn,
  lockEndorsement,
  madeByTpm,
  withExternal,
  withKeyOf,
} from "../support/swtpm-svsm.ts";
import type { TsmPlan } from "../support/tsm-fuse/reports.ts";
import { ownChannel } from "./own-channel.ts";
import { tsmLookAlike } from "./tsm-look-alike.ts";

const BINDER = random(64);
const root = simulatedRoot("milan");
const chip = createSimulatedChip(root);
const { digest, hmac } = nodePrimitives;

async function credentialFor(
  ek: Uint8Array,
  name: Uint8Array,
  secret: Uint8Array,
  primitives: Primitives = nodePrimitives,
): Promise<Credential> {
  const plan = { ek: endorsementKeyIn(ek, "request/malformed"), name };
  const made = await makeCredential(secret, plan, { primitives, random });
  if (made === undefined) throw new Error("a credential");
  return made;
}

async function outcomeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return "done";
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return [thrown.code, thrown.detail["reason"] ?? thrown.detail["returned"]]
      .filter((word) => word !== undefined)
      .join(" ");
  }
}

describeWithSwtpm("a credential", () => {
  let tpm: TestTpm;

  beforeAll(async () => {
    tpm = await startTpm();
  }, 30_000);
  afterAll(() => tpm.remove());

  /** Makes both keys in the TPM, and has it open what is made for them. */
  function activated(
    ekTemplate: Uint8Array,
    make: (ek: Uint8Array, name: Uint8Array, transact: Transact) => Promise<Credential>,
  ): Promise<Uint8Array> {
    return withTpm(tpm.device, (transact) =>
      withKeyOf(ekTemplate, transact, (ek) =>
        withKeyOf(AK_TEMPLATE, transact, async (ak) => {
          const credential = await make(ek.area, nameOf(ak.area, { digest }), transact);
          return activateCredential(credential, { ek: ek.handle, ak: ak.handle }, { transact, random });
        }),
      ),
    );
  }

  it.each([
    ["Node", "RSA", nodePrimitives, EK_TEMPLATE],
    ["Node", "P-256", nodePrimitives, ECC_EK_TEMPLATE],
    ["a Worker", "RSA", workerPrimitives(crypto.subtle), EK_TEMPLATE],
    ["a Worker", "P-256", workerPrimitives(crypto.subtle), ECC_EK_TEMPLATE],
  ] as const)("of %s for a key of %s is activated by a TPM", async (_by, _kind, primitives, template) => {
    const secret = random(32);
    const got = await activated(template, (ek, name) => credentialFor(ek, name, secret, primitives));
    expect(got).toEqual(secret);
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("that a TPM made is opened by our own endorsement key", async () => {
    const vtpm = createSimulatedSvsmVtpm(generateSvsmVtpmKeys());
    const secret = random(32);
    const plan = { name: vtpm.keys.akName, secret };
    const credential = await withTpm(tpm.device, (transact) => madeByTpm(vtpm.ek, plan, transact));
    expect(vtpm.activate(credential)).toEqual(secret);
    const other = await withTpm(tpm.device, (transact) =>
      madeByTpm(vtpm.ek, { ...plan, name: plan.name.with(5, 0) }, transact),
    );
    expect(vtpm.activate(other)).toBeUndefined();
  });

  it.each([
    ["another object", (ek: Uint8Array, name: Uint8Array) => credentialFor(ek, name.with(9, 0), random(32))],
    [
      "another TPM",
      (_: Uint8Array, name: Uint8Array) =>
        credentialFor(createSimulatedSvsmVtpm(generateSvsmVtpmKeys()).ek, name, random(32)),
    ],
    [
      "nobody any more",
      async (ek: Uint8Array, name: Uint8Array) => {
        const good = await credentialFor(ek, name, random(32));
        return { ...good, idObject: good.idObject.with(40, (good.idObject[40] ?? 0) ^ 1) };
      },
    ],
    [
      "these keys, and has no secret of 32 bytes",
      (ek: Uint8Array, name: Uint8Array) => credentialFor(ek, name, random(16)),
    ],
  ])("for %s gives nothing", async (_, make) => {
    expect(await outcomeOf(activated(EK_TEMPLATE, make))).toMatch(/^tpm\/(unavailable 0x|malformed)/);
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("for a key of which the TPM was shown the public half alone gives nothing", async () => {
    const foreign = createSimulatedSvsmVtpm(generateSvsmVtpmKeys());
    const asked = withTpm(tpm.device, (transact) =>
      withKeyOf(EK_TEMPLATE, transact, (ek) =>
        withExternal(foreign.ak, transact, async (handle) => {
          const credential = await credentialFor(ek.area, foreign.keys.akName, random(32));
          return activateCredential(credential, { ek: ek.handle, ak: handle }, { transact, random });
        }),
      ),
    );
    expect(await outcomeOf(asked)).toMatch(/^tpm\/unavailable 0x/);
  });
});

describeWithSwtpm("a guest under an SVSM with a vTPM", () => {
  let tpm: TestTpm;
  let ek: Uint8Array;

  beforeAll(async () => {
    tpm = await startTpm();
    await extendPcr(11, tpm.device);
    ek = await ekAreaOf(tpm.device);
  }, 30_000);
  afterAll(() => tpm.remove());

  interface Plan extends Pick<SvsmVtpmParts, "eventLog"> {
    readonly manifest?: Uint8Array;
    readonly device?: string;
    /** Runs before each command, told its code, on the connection that is open. */
    readonly before?: (code: number, transact: Transact) => Promise<unknown>;
  }

  async function opened({ manifest = manifestOf(ek), device = tpm.device, before, eventLog }: Plan = {}) {
    const watched =
      (transact: Transact): Transact =>
      async (command) => {
        await before?.(new DataView(command.buffer, command.byteOffset).getUint32(6), transact);
        return transact(command);
      };
    const open: SvsmVtpmParts["withTpm"] = (work) => withTpm(device, (transact) => work(watched(transact)));
    const vtpm = createSvsmVtpm({ withTpm: open, digest, hmac, random, eventLog });
    const reportOf: TsmPlan["reportOf"] = ({ reportData, vmpl }) => chip.report({ reportData, vmpl });
    const tsm = tsmLookAlike({ privlevelFloor: 2, manifest, reportOf });
    return openSvsm({ ...tsm, random, channel: ownChannel(), vtpm });
  }

  /** The facts of a verifier that made a credential for what the provider names, under this secret. */
  async function believed(provider: EvidenceProvider, secret = random(32)) {
    const { ek: endorsementKey, akName } = (await provider.vtpmKeys?.()) ?? { ek, akName: ek };
    const credential = await credentialFor(endorsementKey, akName, secret);
    const carried = await provider.attest(BINDER, credential);
    const evidence = parseEvidence({ ...carried, endorsements: endorsementsOf(root, chip, SIMULATED_NOW) });
    const crls = evidence.crls.map((der) => ({ der }));
    const verified = await verifyEvidence(
      evidence,
      { certificates: evidence.certificates, crls },
      { ...simulatedTrust("milan"), credentialSecretOf: () => secret.slice() },
    );
    return { carried, facts: factsOf(verified, CONTEXT) };
  }

  it("shows the registers of the TPM whose endorsement key the manifest names, and keeps nothing loaded", async () => {
    const provider = await opened();
    const { carried, facts } = await believed(provider);
    const [value = random(0)] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
    expect(facts.get("vtpm.pcr[11]")).toBe(hexOf(value));
    expect(facts.get("evidence.format")).toBe("svsm");
    expect(carried.format === "svsm" && carried.vtpm?.signature.length).toBe(64);
    expect(await loadedIn(tpm.device)).toBe(0);
    expect((await believed(provider)).facts.get("vtpm.pcr[11]")).toBe(hexOf(value)); // the same keys, another credential
  });

  it("asks no TPM without a credential, and names the same keys without asking twice", async () => {
    const codes: number[] = [];
    const provider = await opened({ before: async (code) => codes.push(code) });
    const carried = await provider.attest(BINDER);
    expect([carried.format === "svsm" && carried.vtpm, codes]).toEqual([undefined, []]);
    const keys = await provider.vtpmKeys?.();
    const asked = codes.length;
    expect(await provider.vtpmKeys?.()).toEqual(keys);
    expect([keys?.ek, keys?.akName.length, codes.length]).toEqual([ek, 34, asked]);
  });

  it.each([
    [1, "done"],
    [4, "done"],
    [99, "tpm/unavailable"],
  ])("quotes again where a register changed before it was read, %i times: %s", async (times, expected) => {
    let [left, quotes] = [times, 0];
    const provider = await opened({
      before: async (code, transact) => {
        if (code === 0x158) quotes += 1;
        if (code !== 0x17e || left === 0 || times - left >= quotes) return;
        left -= 1;
        await transact(extension(16));
      },
    });
    expect(await outcomeOf(believed(provider))).toBe(expected);
    expect(quotes).toBe(Math.min(times + 1, 5));
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("shows the event log where it is to be shown", async () => {
    const log = random(100);
    const provider = await opened({ eventLog: async () => log });
    const keys = await provider.vtpmKeys?.();
    const credential = await credentialFor(ek, keys?.akName ?? ek, random(32));
    const carried = await provider.attest(BINDER, credential);
    expect(carried.format === "svsm" && carried.vtpm?.eventLog).toEqual(log);
  });

  const otherEk = createSimulatedSvsmVtpm(generateSvsmVtpmKeys()).ek;
  it.each([
    [
      "the manifest names the key of another TPM",
      { manifest: manifestOf(otherEk) },
      "provider/unavailable other-tpm",
    ],
    ["the manifest names no vTPM", { manifest: svsmManifest([]) }, "provider/unavailable no-vtpm"],
    ["the manifest is of a single service", { manifest: otherEk }, "provider/unavailable no-vtpm"],
  ] as const)("says so where %s", async (_, plan, expected) => {
    expect(await outcomeOf(opened(plan).then((provider) => believed(provider)))).toBe(expected);
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("says so where there is no TPM, or the credential is of another", async () => {
    const absent = await opened({ device: "/dev/tpmrm99" });
    expect(await outcomeOf(absent.vtpmKeys?.() ?? Promise.resolve())).toBe("provider/unavailable no-tpm");
    const provider = await opened();
    const foreign = await credentialFor(otherEk, random(34), random(32));
    expect(await outcomeOf(provider.attest(BINDER, foreign))).toMatch(/^tpm\/unavailable 0x/);
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("is refused where its endorsement hierarchy has a password", async () => {
    const other = await startTpm();
    try {
      const manifest = manifestOf(await ekAreaOf(other.device));
      await lockEndorsement(other.device);
      const provider = await opened({ device: other.device, manifest });
      expect(await outcomeOf(believed(provider))).toBe("tpm/unavailable 0x9a2");
    } finally {
      await other.remove();
    }
  });
});
