/** Does a folder say of its simulated machine whose it is, and what it booted, and nothing by mistake? */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { simulatedMachineOf } from "../../../src/runtime/node/simulated-machine.ts";
import { codeOf } from "../../support/faults.ts";
import { SIMULATED_ROOTS, simulatedRoot } from "../../support/simulated.ts";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-azure-json-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of its own with this `azure.json`, or another file, under the root whose slow keys all tests share. */
function machine(name: string, text?: string, file = "azure.json") {
  const own = join(folder, name);
  simulatedRoot("genoa");
  cpSync(join(SIMULATED_ROOTS, "genoa"), own, { recursive: true });
  if (text !== undefined) writeFileSync(join(own, file), text);
  return simulatedMachineOf(own);
}

describe("a simulated machine", () => {
  it("asks its firmware for reports where its folder says nothing", () => {
    expect(machine("bare").format).toBe("raw");
  });

  it.each([
    ["nothing", "{}"],
    ["no register", '{ "pcrs": {} }'],
  ])("is a VM of Azure's where its folder names %s", (name, text) => {
    expect(machine(name, text).format).toBe("azure-hcl");
  });

  it("holds the registers that its folder names", async () => {
    const evidence = await machine("eleven", `{ "pcrs": { "11": "${"ab".repeat(32)}" } }`).attest(
      new Uint8Array(32),
    );
    const pcrs = evidence.format === "azure-hcl" ? evidence.pcrs : [];
    expect(pcrs[11]).toEqual(new Uint8Array(32).fill(0xab));
    expect(pcrs[12]).toEqual(new Uint8Array(32));
  });

  it("stands under an SVSM where its folder says so, and quotes for whoever made a credential", async () => {
    const text = `{ "pcrs": { "11": "${"ab".repeat(32)}" } }`;
    const provider = machine("svsm", text, "svsm.json");
    expect((await provider.vtpmKeys?.())?.akName).toHaveLength(34);
    const credential = { idObject: new Uint8Array(2), encryptedSecret: new Uint8Array(256) };
    const [bare, quoted] = [
      await provider.attest(new Uint8Array(64)),
      await provider.attest(new Uint8Array(64), credential),
    ];
    expect(bare.format === "svsm" && bare.vtpm).toBeUndefined();
    expect(quoted.format === "svsm" && quoted.vtpm?.pcrs[11]).toEqual(new Uint8Array(32).fill(0xab));
    expect(codeOf(() => machine("svsm-list", "[]", "svsm.json"))).toBe("config/invalid");
  });

  it.each([
    ["no JSON", "pcrs"],
    ["a list", "[]"],
    ["registers without their name", `{ "11": "${"00".repeat(32)}" }`],
    ["another member", '{ "pcr": {} }'],
    ["a PCR that there is not", `{ "pcrs": { "24": "${"00".repeat(32)}" } }`],
    ["a PCR by another name", `{ "pcrs": { "eleven": "${"00".repeat(32)}" } }`],
    ["a value of another size", '{ "pcrs": { "11": "00" } }'],
    ["a value that is no text", '{ "pcrs": { "11": 0 } }'],
  ])("is none with %s in its file", (name, text) => {
    expect(codeOf(() => machine(name, text))).toBe("config/invalid");
  });
});
