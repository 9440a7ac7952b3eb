/** Does a guest under an SVSM with a real TPM get its key from a real broker by what it booted? swtpm is the SVSM's vTPM; a look-alike of configfs-tsm gives the SVSM's reports; the program serves and decides. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSvsm } from "../../src/agent/providers/svsm.ts";
import { createSvsmVtpm } from "../../src/agent/providers/svsm-vtpm.ts";
import type { CarriedSvsm } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { svsmVtpmBinder } from "../../src/attestation/svsm/vtpm-binder.ts";
import { sized } from "../../src/attestation/tpm/command.ts";
import type { Credential } from "../../src/attestation/tpm/make-credential.ts";
import { readPcrs } from "../../src/attestation/tpm/pcrs.ts";
import { AK_TEMPLATE } from "../../src/attestation/tpm/svsm-templates.ts";
import { concatBytes, hexOf, u16be } from "../../src/base/bytes.ts";
import { type Fault, isFault } from "../../src/base/fault.ts";
import { connect } from "../../src/runtime/node/client.ts";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createSimulatedSvsm } from "../../src/runtime/node/simulated-svsm.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { endorsementsOf, loadOrCreateMachine } from "../../src/simulator/chip-folder.ts";
import { manifestOf } from "../support/simulated-svsm.ts";
import { describeWithSwtpm, extendPcr, rawCommand, startTpm, type TestTpm } from "../support/swtpm.ts";
import { quoteParameters } from "../support/swtpm-azure.ts";
import { ekAreaOf, loadedIn, withKeyOf } from "../support/swtpm-svsm.ts";
import type { TsmPlan } from "../support/tsm-fuse/reports.ts";
import { type DemoBroker, demoBroker, random } from "./demo-broker.ts";
import { ownChannel } from "./own-channel.ts";
import { tsmLookAlike } from "./tsm-look-alike.ts";

const PATH = "prod/disk";
const SECRET = random(32);
const [QUOTE, CERTIFY] = [0x158, 0x148];
const [SHA1, SHA256, NULL] = [0x0004, 0x000b, 0x0010];
const ALL = [0xff, 0xff, 0xff];
const { digest, hmac } = nodePrimitives;

const policy = (pcr11: Uint8Array) => `writ 1
module acme.svsm version 1.0.0 { owner "cloud@acme.example" }
policy disks {
  for resource "prod/**"
  platform svsm
  require measurement == hex"${"02".repeat(48)}" else "another SVSM"
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${hexOf(pcr11)}" else "another system booted"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
  on release { key_version any }
}
`;

type Change = (good: CarriedSvsm, credential: Credential | undefined) => Promise<Partial<CarriedSvsm>>;

describeWithSwtpm("a guest under an SVSM whose vTPM is swtpm", () => {
  let tpm: TestTpm;
  let other: TestTpm;
  let broker: DemoBroker;
  let ek: Uint8Array;

  beforeAll(async () => {
    [tpm, other] = [await startTpm(), await startTpm()];
    broker = await demoBroker({ [PATH]: SECRET });
    ek = await ekAreaOf(tpm.device);
    for (const one of [tpm, other]) await extendPcr(11, one.device);
    const [pcr11 = random(32)] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
    await broker.decideBy(policy(pcr11));
  }, 60_000);
  afterAll(async () => {
    await tpm.remove();
    await other.remove();
    await broker.remove();
  });

  /** The agent's own provider under an SVSM whose manifest this is. */
  function provider(device = tpm.device, manifest = manifestOf(ek)): Promise<EvidenceProvider<CarriedSvsm>> {
    const { chip } = loadOrCreateMachine(broker.machine, "genoa");
    const reportOf: TsmPlan["reportOf"] = ({ reportData, vmpl }) => chip.report({ reportData, vmpl });
    const tsm = tsmLookAlike({ privlevelFloor: 2, manifest, reportOf });
    const vtpm = createSvsmVtpm({ withTpm: (work) => withTpm(device, work), digest, hmac, random });
    return openSvsm({ ...tsm, random, channel: ownChannel(), vtpm });
  }

  /** The same, but for what of its evidence is shown; the chip's certificates go with it. */
  async function shown(change: Change = async () => ({}), by?: EvidenceProvider<CarriedSvsm>) {
    const good = by ?? (await provider());
    const { root, chip } = loadOrCreateMachine(broker.machine, "genoa");
    const attest: EvidenceProvider["attest"] = async (binder, credential) => {
      const carried = await good.attest(binder, credential);
      const changed = await change(carried, credential);
      return { ...carried, endorsements: endorsementsOf(root, chip, systemNow()), ...changed };
    };
    return { ...good, attest };
  }

  /** The secret, or the code of the refusal as the operator finds it. */
  async function got(by: EvidenceProvider): Promise<Uint8Array | string> {
    const { url, audience, signingKey } = broker;
    try {
      const session = await connect({ url, audience, signingKey, provider: by });
      const { secrets } = await session.release([{ secret: PATH }]).finally(session.close);
      return secrets[0]?.secret ?? "nothing";
    } catch (thrown) {
      if (isFault(thrown)) return operatorsCode(thrown);
      throw thrown;
    }
  }

  async function operatorsCode({ code, detail }: Fault): Promise<string> {
    const { id } = detail;
    const found = typeof id === "string" ? await broker.admin.decision(id) : undefined;
    return found?.kind === "refusal" ? found.code : code;
  }

  /** What the attestation key of a TPM signs by any command, beside the good proof. */
  function signing(device: string, command: (handle: number, qualifying: Uint8Array) => Uint8Array): Change {
    return async ({ report, vtpm }) => {
      if (vtpm === undefined) throw new Error("a quote");
      const qualifying = svsmVtpmBinder(report.slice(0x50, 0x90), nodePrimitives);
      const signed = await withTpm(device, (transact) =>
        withKeyOf(AK_TEMPLATE, transact, async ({ handle }) =>
          signedIn(await transact(command(handle, qualifying))),
        ),
      );
      return { vtpm: { ...vtpm, ...signed } };
    };
  }

  const quote = (selections: Parameters<typeof quoteParameters>[1], data?: Uint8Array) =>
    signing(tpm.device, (handle, qualifying) =>
      rawCommand(QUOTE, [handle], quoteParameters(data ?? qualifying, selections)),
    );

  it("gets its key from a broker that knows the chip's root alone, and leaves nothing in its TPM", async () => {
    expect(await got(await shown())).toEqual(SECRET);
    expect(await loadedIn(tpm.device)).toBe(0);
  });

  it("gets it as a simulated machine does whose vTPM booted the same", async () => {
    const [pcr11 = random(32)] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
    expect(await got(createSimulatedSvsm(broker.machine, { pcrs: { 11: pcr11 } }))).toEqual(SECRET);
    expect(await got(createSimulatedSvsm(broker.machine))).toBe("policy/denied");
  });

  describe("gets nothing with", () => {
    it.each<[string, () => Change, string]>([
      [
        "a bank that stands there twice",
        () =>
          quote([
            [SHA256, ALL],
            [SHA256, ALL],
          ]),
        "evidence/quote-selection",
      ],
      [
        "a SHA-1 bank beside",
        () =>
          quote([
            [SHA1, ALL],
            [SHA256, ALL],
          ]),
        "evidence/quote-selection",
      ],
      ["another mask", () => quote([[SHA256, [0xff, 0xff, 0x7f]]]), "evidence/quote-selection"],
      ["a quote over other data", () => quote([[SHA256, ALL]], random(32)), "channel/not-bound"],
      [
        "TPM2_Certify in the place of a quote",
        () =>
          signing(tpm.device, (handle, qualifying) =>
            rawCommand(CERTIFY, [handle, handle], concatBytes(sized(qualifying), u16be(NULL))),
          ),
        "evidence/quote-type",
      ],
      [
        "the quote of another TPM",
        () =>
          signing(other.device, (handle, qualifying) =>
            rawCommand(QUOTE, [handle], quoteParameters(qualifying, [[SHA256, ALL]])),
          ),
        "evidence/quote-signature",
      ],
      [
        "values of another moment",
        () =>
          async ({ vtpm }) =>
            vtpm === undefined ? {} : { vtpm: { ...vtpm, pcrs: [random(32), ...vtpm.pcrs.slice(1)] } },
        "evidence/quote-digest",
      ],
    ])("%s", async (_, change, code) => {
      expect(await got(await shown(change()))).toBe(code);
    });

    it("no quote at all", async () => {
      const own = await provider();
      const silent = { ...own, attest: (binder: Uint8Array) => own.attest(binder) };
      expect(await got(await shown(undefined, silent))).toBe("policy/denied");
    });

    it("everything of another TPM, which booted the same, beside the SVSM's manifest", async () => {
      const foreign = await provider(other.device, manifestOf(await ekAreaOf(other.device)));
      const own = await provider();
      const mixed = {
        ...foreign,
        attest: async (binder: Uint8Array, credential?: Credential) => {
          const theirs = await foreign.attest(binder, credential);
          const { report, manifest } = await own.attest(binder);
          return { ...theirs, report, manifest };
        },
      };
      expect(await got(await shown(undefined, mixed))).toBe("channel/not-bound");
    });

    it("another system, and gets its key again after the boot of the right one", async () => {
      await extendPcr(11, tpm.device);
      expect(await got(await shown())).toBe("policy/denied");
      await tpm.reboot();
      await extendPcr(11, tpm.device);
      expect(await got(await shown())).toEqual(SECRET);
    });
  });
});

/** TPM2B_ATTEST and an ECDSA signature, of an answer that has to be good. */
function signedIn(answer: Uint8Array) {
  const view = new DataView(answer.buffer, answer.byteOffset);
  if (view.getUint32(6) !== 0) throw new Error(`the TPM answered 0x${view.getUint32(6).toString(16)}`);
  let at = 14;
  const next = (): Uint8Array => {
    const size = view.getUint16(at);
    at += 2 + size;
    return answer.slice(at - size, at);
  };
  const attest = next();
  at += 4;
  const half = (): Uint8Array => {
    const digits = next();
    return concatBytes(new Uint8Array(32 - digits.length), digits);
  };
  return { quote: attest, signature: concatBytes(half(), half()) };
}
