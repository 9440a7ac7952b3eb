/** Does a simulated machine stay the same from process to process, and is a fleet as different as it says? */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { parseEndorsementFile } from "../../src/attestation/endorsement/pem.ts";
import { simulatorRoots } from "../../src/attestation/endorsement/roots.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { isAtLeast } from "../../src/attestation/snp/tcb.ts";
import { verifyEvidence } from "../../src/attestation/verify.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf, loadOrCreateMachine, SIMULATOR_ROOT_FILE } from "../../src/simulator/chip-folder.ts";
import { createSimulatedFleet, type FleetMachine, type FleetState } from "../../src/simulator/fleet.ts";
import { ORDINARY } from "../../src/simulator/sp.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedTrust } from "../support/simulated.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder that has a root already, since its keys are slow to make. */
function folderWithRoot(): string {
  simulatedRoot("milan");
  const folder = mkdtempSync(join(tmpdir(), "ostiary-machine-"));
  folders.push(folder);
  cpSync(join(tmpdir(), "ostiary-simulator-v1/milan"), folder, { recursive: true });
  return folder;
}

async function verified(machine: FleetMachine) {
  const root = simulatedRoot(machine.chip.product);
  const report = machine.chip.report({ reportData: new Uint8Array(64) });
  const certTable = certTableOf(root, machine.chip, SIMULATED_NOW);
  const evidence = parseEvidence({ format: "raw", report, certTable });
  const endorsements = { certificates: evidence.certificates, crls: evidence.crls.map((der) => ({ der })) };
  return verifyEvidence(evidence, endorsements, simulatedTrust(machine.chip.product));
}

describe("a machine's folder", () => {
  it("gives the same chip each time", () => {
    const folder = folderWithRoot();
    const [first, second] = [loadOrCreateMachine(folder, "milan"), loadOrCreateMachine(folder, "milan")];
    expect(first.chip.key.equals(second.chip.key)).toBe(true);
    expect(first.root.keys.ark.equals(second.root.keys.ark)).toBe(true);
  });

  it("holds the root that may be trusted, and no file that others may read", () => {
    const folder = folderWithRoot();
    const { root } = loadOrCreateMachine(folder, "milan");
    const { certificates } = parseEndorsementFile(readFileSync(join(folder, SIMULATOR_ROOT_FILE)));
    expect(simulatorRoots(certificates, nodePrimitives)).toEqual(simulatorRoots([root.ark], nodePrimitives));
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));
  });

  it("is one machine to processes that make it at the same time", async () => {
    const folder = folderWithRoot();
    const source = pathToFileURL(join(import.meta.dirname, "../../src/simulator/chip-folder.ts")).href;
    const script = `import { createPublicKey } from "node:crypto";
      import { loadOrCreateMachine } from ${JSON.stringify(source)};
      const { chip } = loadOrCreateMachine(${JSON.stringify(folder)}, "milan");
      process.stdout.write(createPublicKey(chip.key).export({ format: "der", type: "spki" }).toString("hex"));`;
    const run = () => promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    const keys = (await Promise.all(Array.from({ length: 4 }, run))).map(({ stdout }) => stdout);
    expect(new Set(keys).size).toBe(1);
    expect(readdirSync(folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });
});

const PRODUCTS = ["milan", "genoa", "turin"] as const;

describe.each(PRODUCTS)("a fleet of %s", (product) => {
  const fleet = createSimulatedFleet(simulatedRoot(product));
  const machineIn = (state: FleetState): FleetMachine => {
    const machine = fleet.find((known) => known.state === state);
    if (machine === undefined) throw new Error(`no machine is ${state}`);
    return machine;
  };
  const reportOf = async (state: FleetState) => (await verified(machineIn(state))).evidence.report;
  const { tcb } = ORDINARY[product];

  it("is genuine, every machine of it", async () => {
    for (const machine of fleet) expect((await verified(machine)).product).toBe(product);
  });

  it("has a chip and a key of its own in each machine", async () => {
    expect(new Set(fleet.map(({ chip }) => chip.chipId.join())).size).toBe(fleet.length);
    expect(
      fleet.every(({ chip }, i) => !fleet.some((other, j) => j !== i && other.chip.key.equals(chip.key))),
    ).toBe(true);
  });

  it("has machines below, at and above the ordinary level", async () => {
    expect(isAtLeast((await reportOf("behind")).reportedTcb, tcb)).toBe(false);
    expect((await reportOf("current")).reportedTcb).toEqual(tcb);
    expect(isAtLeast((await reportOf("ahead")).reportedTcb, tcb)).toBe(true);
    expect((await reportOf("ahead")).reportedTcb).not.toEqual(tcb);
  });

  it("has a machine that is held back, one that is provisional, one that is masked", async () => {
    const heldBack = await reportOf("held-back");
    expect(isAtLeast(heldBack.reportedTcb, tcb)).toBe(false);
    expect(heldBack.committedTcb).toEqual(tcb);
    expect((await reportOf("provisional")).currentTcb).not.toEqual(
      (await reportOf("provisional")).committedTcb,
    );
    expect((await reportOf("masked")).chipId).toEqual(new Uint8Array(64));
  });

  it("has a machine under a provider's key, and a sibling of another silicon line", async () => {
    expect((await verified(machineIn("shared"))).endorsement.kind).toBe("vlek");
    const { silicon } = await verified(machineIn("sibling"));
    expect(silicon).toBe({ milan: "milan-x", genoa: "siena", turin: "turin-dense" }[product]);
  });
});
