/** Does a guest with a real TPM behave towards a real broker as a VM of Azure's does? swtpm holds key, report and registers; the program serves and decides. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { looksLikeCrl } from "../../src/attestation/endorsement/pem.ts";
import type { CarriedAzureHcl } from "../../src/attestation/evidence.ts";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { sized } from "../../src/attestation/tpm/command.ts";
import { readPcrs } from "../../src/attestation/tpm/pcrs.ts";
import { concatBytes, hexOf, u16be } from "../../src/base/bytes.ts";
import { type Fault, isFault } from "../../src/base/fault.ts";
import { connect } from "../../src/runtime/node/client.ts";
import { systemNow } from "../../src/runtime/node/clock.ts";
import { openProvider } from "../../src/runtime/node/providers.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { endorsementsOf, loadOrCreateMachine } from "../../src/simulator/chip-folder.ts";
import { localServer } from "../support/local-server.ts";
import { describeWithSwtpm, extendPcr, startTpm, type TestTpm } from "../support/swtpm.ts";
import {
  AK,
  type Attested,
  attestedBy,
  makeAttestationKey,
  quoteParameters,
  writeHclBlob,
} from "../support/swtpm-azure.ts";
import { type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const PATH = "prod/disk";
const SECRET = random(32);
const [QUOTE, CERTIFY, GET_TIME] = [0x158, 0x148, 0x14c];
const [SHA1, SHA256, NULL] = [0x0004, 0x000b, 0x0010];
const ENDORSEMENT = 0x4000_000b;
const ALL = [0xff, 0xff, 0xff];

const policy = (pcr11: Uint8Array) => `writ 1
module acme.azure version 1.0.0 { owner "cloud@acme.example" }
policy disks {
  for resource "prod/**"
  platform azure
  require has vtpm.pcr[11] and vtpm.pcr[11] == hex"${hexOf(pcr11)}" else "another system booted"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
  on release { key_version any }
}
`;

describeWithSwtpm("a VM of Azure's whose vTPM is swtpm", () => {
  let tpm: TestTpm;
  let broker: DemoBroker;
  let endorsements: readonly Uint8Array[];

  beforeAll(async () => {
    tpm = await startTpm();
    broker = await demoBroker({ [PATH]: SECRET });
    const { root, chip } = loadOrCreateMachine(broker.machine, "genoa");
    endorsements = endorsementsOf(root, chip, systemNow());
    await extendPcr(11, tpm.device);
    await makeAttestationKey(tpm.device);
    await writeHclBlob(tpm.device, chip);
    await broker.decideBy(policy(await pcr11()));
  }, 60_000);
  afterAll(async () => {
    await tpm.remove();
    await broker.remove();
  });

  async function pcr11(): Promise<Uint8Array> {
    const [value] = await withTpm(tpm.device, (transact) => readPcrs([11], transact));
    return value ?? new Uint8Array(0);
  }

  /** The agent's own provider, with a metadata service of this machine. */
  async function provider(): Promise<EvidenceProvider> {
    const pem = (der: Uint8Array) => {
      const label = looksLikeCrl(der) ? "X509 CRL" : "CERTIFICATE";
      return `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
    };
    const [leaf = new Uint8Array(0), ...chain] = endorsements;
    const { url } = await localServer((_, response) => {
      response.end(JSON.stringify({ vcekCert: pem(leaf), certificateChain: chain.map(pem).join("") }));
    });
    return openProvider({ name: "azure-vtpm", tpmDevice: tpm.device, thim: url });
  }

  /** The same, but for what its vTPM is made to sign, or what of it is shown. */
  async function deviating(
    change: (binder: Uint8Array, good: CarriedAzureHcl) => Promise<Partial<CarriedAzureHcl>>,
  ) {
    const good = await provider();
    const attest = async (binder: Uint8Array) => {
      const carried = await good.attest(binder);
      if (carried.format !== "azure-hcl") throw new Error("the format of Azure");
      return { ...carried, ...(await change(binder, carried)) };
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

  it("gets its key from a broker that knows the chip's root alone", async () => {
    expect(await got(await provider())).toEqual(SECRET);
  });

  const deviations: readonly (readonly [string, (binder: Uint8Array) => Promise<Attested>, string])[] = [
    [
      "a bank that stands there twice",
      (binder) =>
        quoted(binder, [
          [SHA256, ALL],
          [SHA256, ALL],
        ]),
      "evidence/quote-selection",
    ],
    [
      "a SHA-1 bank beside",
      (binder) =>
        quoted(binder, [
          [SHA1, ALL],
          [SHA256, ALL],
        ]),
      "evidence/quote-selection",
    ],
    ["the SHA-1 bank alone", (binder) => quoted(binder, [[SHA1, ALL]]), "evidence/quote-selection"],
    ["another mask", (binder) => quoted(binder, [[SHA256, [0xff, 0xff, 0x7f]]]), "evidence/quote-selection"],
    ["no register", (binder) => quoted(binder, [[SHA256, [0, 0, 0]]]), "evidence/quote-selection"],
    [
      "TPM2_Certify in the place of a quote",
      (binder) => attestedBy(CERTIFY, [AK, AK], simple(binder), tpm.device),
      "evidence/quote-type",
    ],
    [
      "TPM2_GetTime in the place of a quote",
      (binder) => attestedBy(GET_TIME, [ENDORSEMENT, AK], simple(binder), tpm.device),
      "evidence/quote-type",
    ],
    ["a quote over other data", () => quoted(random(32), [[SHA256, ALL]]), "channel/not-bound"],
    [
      "a quote of the half of the binder",
      (binder) => quoted(binder.slice(0, 16), [[SHA256, ALL]]),
      "channel/not-bound",
    ],
    [
      "bytes after the quote",
      async (binder) => {
        const good = await quoted(binder, [[SHA256, ALL]]);
        return { ...good, quote: concatBytes(good.quote, Uint8Array.of(0)) };
      },
      "evidence/malformed",
    ],
  ];
  const quoted = (data: Uint8Array, selections: Parameters<typeof quoteParameters>[1]) =>
    attestedBy(QUOTE, [AK], quoteParameters(data, selections), tpm.device);
  const simple = (data: Uint8Array) => concatBytes(sized(data), u16be(NULL));

  describe("gets nothing with", () => {
    it.each(deviations)("%s", async (_, signed, code) => {
      expect(await got(await deviating(signed))).toBe(code);
    });

    it("values of another moment beside the quote", async () => {
      const other = await deviating(async (_, { pcrs }) => ({ pcrs: [random(32), ...pcrs.slice(1)] }));
      expect(await got(other)).toBe("evidence/quote-digest");
    });

    it("a quote of another key of the same TPM", async () => {
      const handle = 0x8100_0009;
      const other = await deviating(async (binder) => {
        await makeAttestationKey(tpm.device, handle, random(256));
        return attestedBy(QUOTE, [handle], quoteParameters(binder, [[SHA256, ALL]]), tpm.device);
      });
      expect(await got(other)).toBe("evidence/quote-signature");
    });

    it("another system, and gets its key again after the boot of the right one", async () => {
      await extendPcr(11, tpm.device);
      expect(await got(await provider())).toBe("policy/denied");
      await tpm.reboot();
      await extendPcr(11, tpm.device);
      expect(await got(await provider())).toEqual(SECRET);
    });
  });
});
