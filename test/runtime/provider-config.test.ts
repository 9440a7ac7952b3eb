/** Whom may an operator let speak for a cloud? Authorities in PEM, with a root, and the simulator's in a demonstration only. */
import { describe, expect, it } from "vitest";
import { providerTrustOf } from "../../src/runtime/provider-config.ts";
import { pemOf } from "../../src/simulator/chip-folder.ts";
import { codeOf } from "../support/faults.ts";
import { simulatedProvider } from "../support/provider.ts";

const { firmwareRoot, akRoot, akIntermediate, firmwareCertificate } = simulatedProvider();

describe("[providers]", () => {
  it("lets nobody speak where it names nobody", () => {
    expect(providerTrustOf({}, "production")).toEqual({ firmware: [], hostVtpm: [] });
  });

  it("takes a root, and intermediates beside it", () => {
    const pems = { googleFirmware: pemOf(firmwareRoot), hostVtpm: pemOf(akIntermediate) + pemOf(akRoot) };
    const { firmware, hostVtpm } = providerTrustOf(pems, "demo");
    expect([firmware.length, hostVtpm.length]).toEqual([1, 2]);
  });

  it.each([
    ["the simulator's in production", pemOf(firmwareRoot), "production"],
    ["an intermediate alone", pemOf(akIntermediate), "demo"],
    ["a certificate that is no authority's", pemOf(firmwareRoot) + pemOf(firmwareCertificate()), "demo"],
    ["a file without certificates", "nothing", "demo"],
  ] as const)("refuses %s", (_name, pem, mode) => {
    expect(codeOf(() => providerTrustOf({ googleFirmware: pem }, mode))).toBe("config/invalid");
    expect(codeOf(() => providerTrustOf({ hostVtpm: pem }, mode))).toBe("config/invalid");
  });
});
