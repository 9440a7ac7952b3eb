/** Does the doctor say which provider is taken, and why not another? */
import { describe, expect, it } from "vitest";
import { choiceFindings } from "../../../src/agent/doctor/choice.ts";
import { detectProviders, type Probes } from "../../../src/agent/providers/detect.ts";
import { Fault } from "../../../src/base/fault.ts";

const absent = (why: string) => () => Promise.reject(new Fault("provider/unavailable", why));
const NONE: Probes = {
  "configfs-tsm": absent("no configfs here"),
  "sev-guest": absent("no device here"),
  "azure-vtpm": absent("no vTPM here"),
  svsm: absent("no SVSM here"),
};

async function found(probes: Partial<Probes>) {
  return choiceFindings(await detectProviders({ ...NONE, ...probes }));
}

describe("the choice of a provider", () => {
  it("names what is missing of each, and what to do", async () => {
    const findings = await found({});
    expect(findings.map(({ id, severity, seen }) => [id, severity, seen])).toEqual([
      ["choice.configfs-tsm", "note", "no configfs here"],
      ["choice.sev-guest", "note", "no device here"],
      ["choice.azure-vtpm", "note", "no vTPM here"],
      ["choice.svsm", "note", "no SVSM here"],
    ]);
    expect(findings.every(({ next }) => next !== undefined)).toBe(true);
  });

  it("is the first that is there; a later one is only usable", async () => {
    const findings = await found({ "sev-guest": async () => "a device", "azure-vtpm": async () => "a vTPM" });
    expect(findings.map(({ severity, seen }) => `${severity} ${seen}`)).toEqual([
      "note no configfs here",
      "ok chosen: a device",
      "ok usable: a vTPM",
      "note no SVSM here",
    ]);
  });
});
