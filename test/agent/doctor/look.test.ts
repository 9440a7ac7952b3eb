/** What does a guest say of itself? What its machine shows, whatever that is, within a bounded time, and always something that may be sent. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { finding, type Severity } from "../../../src/agent/doctor/finding.ts";
import { lookAt } from "../../../src/agent/doctor/look.ts";
import type { Machine } from "../../../src/agent/doctor/machine.ts";
import { postureOf } from "../../../src/agent/doctor/posture.ts";
import { lookAtMachine } from "../../../src/runtime/node/machine-posture.ts";
import { checkedPosture } from "../../../src/wire/posture.ts";
import { GOOD, laidOut, machineWith } from "./laid-out.ts";

const never = new AbortController().signal;
const lookedAt = (machine: Machine, signal: AbortSignal = never) =>
  lookAt({ machine, agent: "0.1.0", signal });

describe("a look at a machine", () => {
  it("says what passes, and facts that are neither right nor wrong", async () => {
    const { passed, ...rest } = await lookedAt(machineWith());
    expect(rest).toEqual({
      v: 1,
      warned: [],
      failed: [],
      agent: "0.1.0",
      kernel: "6.12.9-cloud-amd64",
      lockdown: "confidentiality",
      secureBoot: true,
      verity: true,
      ima: true,
      smt: false,
      uptime: 4711,
    });
    expect(passed).toEqual(expect.arrayContaining(["memory.swap", "memory.tmpfs", "posture.in-time"]));
  });

  it("leaves out what is only a note, and what the kernel does not show", async () => {
    const { passed, warned, failed, ...facts } = await lookedAt(
      machineWith({ "sys/kernel/security/lockdown": undefined, "proc/uptime": undefined }),
    );
    expect([...passed, ...warned, ...failed]).not.toContain("kernel.lockdown");
    expect(Object.keys(facts)).not.toContain("lockdown");
    expect(Object.keys(facts)).not.toContain("uptime");
  });

  it("does not repeat a release that is nobody's, be it a text for a terminal or a person's name", async () => {
    for (const release of ["6.12.9 of somebody", "6.12\u001b[31m", `6.12${"x".repeat(80)}`, ""]) {
      const { kernel } = await lookedAt(machineWith({ "proc/sys/kernel/osrelease": release })); // in order: few
      expect(kernel).toBeUndefined();
    }
  });

  it("has a check in the list of the worst that is found of it", () => {
    const about = (severity: Severity) => finding("disk.header", severity, { seen: "", expected: "" });
    for (const [one, other] of [["ok", "error"] as const, ["error", "ok"] as const]) {
      expect(postureOf([about(one), about(other)])).toMatchObject({ passed: [], failed: ["disk.header"] });
    }
    expect(postureOf([about("ok"), about("note")]).passed).toEqual([]);
  });

  it("is the same for the same machine, and reads each file once", async () => {
    const machine = machineWith();
    const read: string[] = [];
    const counting: Machine = {
      ...machine,
      read: (path) => {
        read.push(path);
        return machine.read(path);
      },
    };
    expect(await lookedAt(counting)).toEqual(await lookedAt(machine));
    expect(read.length).toBe(new Set(read).size);
    expect(read).toContain("dev/kmsg");
  });

  it("ends though a file never comes, and then says that it was cut short", async () => {
    const machine = machineWith();
    const stuck: Machine = {
      ...machine,
      read: (path) => (path === "proc/swaps" ? new Promise(() => {}) : machine.read(path)),
    };
    const end = new AbortController();
    const looking = lookedAt(stuck, end.signal);
    setTimeout(() => end.abort(), 50);
    const { passed, failed } = await looking;
    expect(failed).toContain("posture.in-time");
    expect(passed).not.toContain("memory.swap");
    expect(passed).not.toContain("posture.in-time");
  });

  it("says nothing but that it was cut short where there is no time at all", async () => {
    const said = await lookedAt(machineWith(), AbortSignal.abort());
    expect(said).toEqual({ v: 1, passed: [], warned: [], failed: ["posture.in-time"], agent: "0.1.0" });
  });

  it("may be sent from this very machine, whatever it is", async () => {
    const said = await lookAtMachine();
    expect(checkedPosture(said)).toEqual(said);
    const empty = await lookAtMachine(laidOut({}));
    expect(checkedPosture(empty)).toEqual(empty);
    expect(empty.failed).toContain("snp.active");
  });

  const text = fc.oneof(fc.string({ maxLength: 60 }), fc.constantFrom(...Object.values(GOOD).map(String)));
  const files = fc.dictionary(fc.constantFrom(...Object.keys(GOOD)), text);

  test.prop([files])("may be sent, whatever stands in the machine's files", async (changed) => {
    const all: Readonly<Record<string, string | undefined>> = { ...GOOD, ...changed };
    const machine: Machine = {
      read: async (path) => all[path],
      list: async () => ["dm-0", "vda"],
      has: async (path) => path in all,
    };
    const said = await lookedAt(machine);
    expect(checkedPosture(said)).toEqual(said);
  });
});
