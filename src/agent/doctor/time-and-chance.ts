/** Does this guest have randomness of its own, and a clock that the host does not turn? */
import { type Finding, finding } from "./finding.ts";
import { commandLineOf, type Machine, numberIn } from "./machine.ts";

export async function timeAndChanceFindings(machine: Machine): Promise<readonly Finding[]> {
  return [await entropyFinding(machine), await clockSourceFinding(machine)];
}

/** What the kernel's generator has when it is seeded (drivers/char/random.c, since 5.18). */
const SEEDED_BITS = 256;

async function entropyFinding(machine: Machine): Promise<Finding> {
  const bits = await numberIn(machine, "proc/sys/kernel/random/entropy_avail");
  const isDistrusted = (await commandLineOf(machine)).some((word) =>
    /^random\.trust_cpu=(0|n|N|off)$/.test(word),
  );
  const expected = `${SEEDED_BITS} bits, and a processor that gives some (rdrand)`;
  const hasRdrand = /^flags\s*:.*\brdrand\b/m.test((await machine.read("proc/cpuinfo")) ?? "");
  const isPoor = bits !== undefined && bits < SEEDED_BITS;
  const seen = `${bits ?? "unknown"} bits, ${hasRdrand ? "rdrand" : "no rdrand"}${isDistrusted ? ", which is not trusted" : ""}`;
  const next =
    "take `random.trust_cpu=off` away and give the VM a CPU model with rdrand: everything else that a VM hears of comes from its host";
  return finding("entropy.seeded", isPoor || isDistrusted || !hasRdrand ? "warning" : "ok", {
    seen,
    expected,
    next,
  });
}

async function clockSourceFinding(machine: Machine): Promise<Finding> {
  const source = (
    await machine.read("sys/devices/system/clocksource/clocksource0/current_clocksource")
  )?.trim();
  const expected = "tsc, with SecureTSC";
  if (source === "tsc") return finding("clock.source", "ok", { seen: source, expected });
  const next =
    "dates can be turned by the host: pin keys (`--signing-key`, `--tls-pin`) and rest nothing on dates alone";
  return finding("clock.source", "note", { seen: source ?? "unknown", expected, next });
}
