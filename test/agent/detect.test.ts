/** Which provider is chosen on which machine, and what is a person told who wonders why? */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { isFault } from "../../src/base/fault.ts";
import { detectOn, openProvider, type ProviderPlaces } from "../../src/runtime/node/providers.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { describeWithSwtpm, startTpm } from "../support/swtpm.ts";
import { AK, evicted, makeAttestationKey, writeHclBlob } from "../support/swtpm-azure.ts";
import { describeWithFuse } from "../support/tsm-fuse/describe.ts";
import { mountTsm } from "../support/tsm-fuse/mount.ts";
import { ownFolder } from "./own-channel.ts";

const NOWHERE = { tsmFolder: "/nowhere", sevGuestDevice: "/nowhere", tpmDevice: "/dev/tpm-that-is-not" };

const usableOf = async (places: ProviderPlaces) =>
  (await detectOn(places)).filter(({ usable }) => usable).map(({ provider }) => provider);

async function mounted(plan: Omit<Parameters<typeof mountTsm>[0], "machine">): Promise<string> {
  simulatedRoot("genoa");
  const tsm = await mountTsm({ machine: join(tmpdir(), "ostiary-simulator-v1", "genoa"), ...plan });
  onTestFinished(tsm.unmount);
  return tsm.folder;
}

describe("on a machine without any of it", () => {
  it("each candidate says what is missing and what to do", async () => {
    const candidates = await detectOn(NOWHERE);
    expect(candidates.map(({ provider, usable }) => [provider, usable])).toEqual([
      ["configfs-tsm", false],
      ["sev-guest", false],
      ["azure-vtpm", false],
      ["svsm", false],
    ]);
    for (const { why, next } of candidates)
      expect([why.length > 10, (next ?? "").length > 10]).toEqual([true, true]);
  });

  it("`auto` is unavailable, with every reason, and is never the simulator", async () => {
    const refused = await openProvider(NOWHERE).catch((thrown: unknown) => thrown);
    expect(isFault(refused, "provider/unavailable")).toBe(true);
    for (const name of ["configfs-tsm", "sev-guest", "azure-vtpm"]) expect(String(refused)).toContain(name);
    expect(String(refused)).not.toContain("simulator");
  });
});

describeWithFuse("where the kernel shows configfs-tsm", () => {
  it("it is chosen, at the guest's own level, and an SVSM over it is told of", async () => {
    const tsmFolder = await mounted({ floor: 2, manifest: new Uint8Array(8).fill(1) });
    const places = { ...NOWHERE, tsmFolder, runFolder: ownFolder() };
    const provider = await openProvider(places);
    expect([provider.name, provider.vmpl]).toEqual(["configfs-tsm", 2]);
    expect(await usableOf(places)).toEqual(["configfs-tsm", "svsm"]);
  });

  it("it is not, where another module stands behind it", async () => {
    const places = { ...NOWHERE, tsmFolder: await mounted({ provider: "tdx_guest" }) };
    const [first] = await detectOn(places);
    expect(first).toMatchObject({
      provider: "configfs-tsm",
      usable: false,
      why: expect.stringContaining("tdx_guest"),
    });
  });
});

describeWithSwtpm("where there is a vTPM", () => {
  it("it is chosen with a paravisor's report of SEV-SNP and a key in it, and not without", async () => {
    const tpm = await startTpm();
    onTestFinished(tpm.remove);
    const places = { ...NOWHERE, tpmDevice: tpm.device };
    expect(await usableOf(places)).toEqual([]);
    await makeAttestationKey(tpm.device);
    const chip = createSimulatedChip(simulatedRoot("milan"));
    await writeHclBlob(tpm.device, chip, { patch: (blob) => blob.set([4], 0x4c8) }); // a TDX guest's
    expect(await usableOf(places)).toEqual([]);
    await writeHclBlob(tpm.device, chip);
    expect(await usableOf(places)).toEqual(["azure-vtpm"]);
    expect((await openProvider(places)).format).toBe("azure-hcl");
    await evicted(AK, tpm.device);
    expect(await usableOf(places)).toEqual([]);
  });
});
