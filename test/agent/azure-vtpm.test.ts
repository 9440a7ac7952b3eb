/** Does the provider of Azure get blob, quote and values of one vTPM, whoever else writes there, and say what is missing? */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openAzureVtpm } from "../../src/agent/providers/azure-vtpm.ts";
import { askThim } from "../../src/agent/providers/thim.ts";
import { parseRuntimeClaims } from "../../src/attestation/azure/claims.ts";
import { parseHclBlob } from "../../src/attestation/azure/hcl.ts";
import { parseQuote, verifyQuote } from "../../src/attestation/tpm/quote.ts";
import type { Transact } from "../../src/attestation/tpm/transact.ts";
import { isFault } from "../../src/base/fault.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import type { ParavisorPlan } from "../../src/simulator/azure-hcl.ts";
import { createSimulatedChip, type SimulatedChip } from "../../src/simulator/sp.ts";
import { random } from "../client/sealed-answer.ts";
import { localServer } from "../support/local-server.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { describeWithSwtpm, extendPcr, extension, raw, startTpm, type TestTpm } from "../support/swtpm.ts";
import {
  AK,
  evicted,
  HCL_INDEX,
  makeAttestationKey,
  writeHclBlob,
  writeNv,
  writeOver,
} from "../support/swtpm-azure.ts";

const BINDER = random(32);
const { digest } = nodePrimitives;

interface Plan {
  readonly endorsements?: () => Promise<readonly Uint8Array[]>;
  readonly eventLog?: () => Promise<Uint8Array | undefined>;
  /** Runs before each command, told its code, on the connection that is open. */
  readonly before?: (code: number, transact: Transact) => Promise<unknown>;
}

function opened(device: string, { endorsements = async () => [], eventLog, before }: Plan = {}) {
  const watched =
    (transact: Transact): Transact =>
    async (command) => {
      await before?.(new DataView(command.buffer, command.byteOffset).getUint32(6), transact);
      return transact(command);
    };
  const open: Parameters<typeof openAzureVtpm>[0]["withTpm"] = (work) =>
    withTpm(device, (transact) => work(watched(transact)));
  return openAzureVtpm({ withTpm: open, digest, endorsements, eventLog });
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

describeWithSwtpm("azure-vtpm", () => {
  let tpm: TestTpm;
  let chip: SimulatedChip;
  let blob: Uint8Array;

  beforeAll(async () => {
    tpm = await startTpm();
    chip = createSimulatedChip(simulatedRoot("milan"));
    await makeAttestationKey(tpm.device);
  }, 30_000);
  beforeEach(async () => {
    blob = await writeHclBlob(tpm.device, chip);
  });
  afterAll(() => tpm.remove());

  it("gives the blob, a quote over the binder by the key that it vouches for, and the 24 values of that moment", async () => {
    await extendPcr(11, tpm.device);
    const log = random(100);
    const provider = await opened(tpm.device, {
      endorsements: async () => [random(9)],
      eventLog: async () => log,
    });
    const carried = await provider.attest(BINDER);
    const quote = parseQuote(carried);
    await verifyQuote(
      quote,
      parseRuntimeClaims(parseHclBlob(carried.hcl).claimsBytes).akSpki,
      nodePrimitives,
    );
    expect([carried.hcl, quote.attest.extraData, carried.eventLog]).toEqual([blob, BINDER, log]);
    expect([carried.pcrs.length, carried.endorsements?.length, provider.vmpl]).toEqual([24, 1, 0]);
    expect(carried.pcrs[11]).not.toEqual(new Uint8Array(32));
  });

  it.each([
    [1, "done"],
    [4, "done"],
    [99, "tpm/unavailable"],
  ])("quotes again where a register changed before it was read, %i times: %s", async (times, expected) => {
    let [left, quotes] = [times, 0];
    const provider = await opened(tpm.device, {
      before: async (code, transact) => {
        if (code === 0x158) quotes += 1;
        if (code !== 0x17e || left === 0 || times - left >= quotes) return;
        left -= 1;
        await transact(extension(16));
      },
    });
    const attested = provider.attest(BINDER);
    expect(await outcomeOf(attested)).toBe(expected);
    expect(quotes).toBe(Math.min(times + 1, 5));
    if (expected === "done") await verifyQuote(parseQuote(await attested), akIn(blob), nodePrimitives);
  });

  const otherVm = { vmConfiguration: { vmUniqueId: "00000000-0000-4000-8000-000000000002" } };
  it.each<[number, string, Partial<ParavisorPlan>]>([
    [1, "done", { isSecureBoot: false }],
    [3, "done", otherVm],
    [99, "provider/unavailable torn-report", otherVm],
  ])("reads the blob again where it was renewed in between, %i times: %s", async (times, expected, plan) => {
    const other = await writeHclBlob(tpm.device, chip, plan);
    await writeNv(tpm.device, blob);
    let [left, pieces, isOther] = [times, 0, false];
    const provider = await opened(tpm.device, {
      before: async (code, transact) => {
        if (code !== 0x14e) return;
        pieces += 1;
        if (pieces % 2 === 1 || left === 0) return;
        left -= 1;
        isOther = !isOther;
        await writeOver(transact, isOther ? other : blob);
      },
    });
    expect(await outcomeOf(provider.attest(BINDER))).toBe(expected);
    expect(pieces).toBe(2 * Math.min(times + 1, 4));
  });

  it.each([
    [
      "a blob over another key",
      "provider/unavailable stale-report",
      () => writeHclBlob(tpm.device, chip, { akModulus: random(256).with(0, 0x80).with(255, 1) }),
    ],
    [
      "a blob of two writings",
      "provider/unavailable torn-report",
      () => writeNv(tpm.device, blob.with(0x4d8, (blob[0x4d8] ?? 0) ^ 1)),
    ],
    ["no blob", "evidence/malformed", () => writeNv(tpm.device, new Uint8Array(2048))],
    ["the blob of a TDX guest", "evidence/malformed", () => writeNv(tpm.device, blob.with(0x4c8, 4))],
  ] as const)("says so where the index holds %s", async (_, expected, write) => {
    await write();
    expect(await outcomeOf(opened(tpm.device).then((provider) => provider.attest(BINDER)))).toBe(expected);
  });

  it("is not opened without the index, the key or the TPM", async () => {
    await raw(0x122, [0x4000_0001, HCL_INDEX], new Uint8Array(0), tpm.device, 1);
    expect(await outcomeOf(opened(tpm.device))).toBe("provider/unavailable no-report");
    await writeHclBlob(tpm.device, chip);
    const provider = await opened(tpm.device);
    await evicted(AK, tpm.device);
    expect(await outcomeOf(opened(tpm.device))).toBe("provider/unavailable no-key");
    expect(await outcomeOf(provider.attest(BINDER))).toBe("provider/unavailable no-key");
    await makeAttestationKey(tpm.device);
    expect(await outcomeOf(opened("/dev/tpm-that-is-not"))).toMatch(/^(tpm\/unavailable|config\/invalid)/);
    expect(await outcomeOf(provider.attest(random(64)))).toBe("internal/invariant");
  });

  function akIn(hcl: Uint8Array): Uint8Array {
    return parseRuntimeClaims(parseHclBlob(hcl).claimsBytes).akSpki;
  }
});

describe("Azure's metadata service", () => {
  const pem = (der: Uint8Array) =>
    `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
  const { ask, ark } = simulatedRoot("milan");
  const good = JSON.stringify({ vcekCert: pem(ask) });

  it("is asked as it wants to be, and gives the leaf and the chain", async () => {
    const asked: unknown[] = [];
    const { url } = await localServer((request, response) => {
      asked.push(request.headers["metadata"]);
      response.end(
        JSON.stringify({
          vcekCert: pem(ask),
          certificateChain: pem(ask) + pem(ark),
          tcbm: "DB18000000000004",
        }),
      );
    });
    expect(await askThim(`${url}/metadata`)).toEqual([ask, ask, ark]);
    expect(asked).toEqual(["true"]);
  });

  it.each<
    [string, (respond: (status: number, body: string, headers?: Record<string, string>) => void) => void]
  >([
    ["says 404", (respond) => respond(404, good)],
    ["sends somewhere else", (respond) => respond(302, good, { location: "/elsewhere" })],
    ["sends no JSON", (respond) => respond(200, "<html>")],
    ["sends JSON without certificates", (respond) => respond(200, "[1]")],
    ["sends certificates that are none", (respond) => respond(200, JSON.stringify({ vcekCert: "x" }))],
    ["sends too many", (respond) => respond(200, JSON.stringify({ vcekCert: pem(ask).repeat(9) }))],
    [
      "sends one that is too large",
      (respond) => respond(200, JSON.stringify({ vcekCert: pem(new Uint8Array(9000).fill(0x30)) })),
    ],
    ["never ends", (respond) => respond(200, "x".repeat(3 << 20))],
  ])("is passed over where it %s", async (_, answer) => {
    let times = 0;
    const { url } = await localServer((_request, response) => {
      times += 1;
      answer((status, body, headers) => response.writeHead(status, headers).end(body));
    });
    expect(await askThim(url)).toEqual([]);
    expect(times).toBe(1);
  });

  it("is passed over where nobody is there", async () => {
    expect(await askThim("http://127.0.0.1:1/")).toEqual([]);
  });
});
