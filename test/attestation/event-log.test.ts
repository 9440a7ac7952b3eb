/** Do real event logs replay to the registers of their machines, and does a log that does not end there count for nothing? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type EventLog,
  parseEventLog,
  refuseOtherBoot,
  replayed,
} from "../../src/attestation/tpm/event-log.ts";
import { secureBootOf } from "../../src/attestation/tpm/secure-boot.ts";
import { concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { codeOf } from "../support/faults.ts";
import { itWithVectors, readVector, readVectorJson, sharedVectors } from "../support/shared-vectors.ts";
import { bootLog, type LogEvent, secureBootEvent, separators } from "./boot-log.ts";

interface Expected {
  readonly [machine: string]: {
    readonly file: string;
    readonly banks: Readonly<Record<string, Readonly<Record<string, string>>>>;
  };
}

const MACHINES =
  sharedVectors === undefined ? {} : readVectorJson<Expected>("tpm-eventlog/expected-pcrs.json");
/** Whether secure boot was on, by the name of the file or of the machine in the source that it is of. */
const SECURE_BOOT: Readonly<Record<string, boolean>> = {
  Rhel8GCE: true,
  Ubuntu2104NoSecureBootGCE: false,
  GlinuxNoSecureBootLaptop: false,
  ArchLinuxWorkstation: false, // it has no such variable
};

const digest = (bytes: Uint8Array): Uint8Array => nodePrimitives.digest("sha256", bytes);

/** 24 registers as this log leaves them. */
function registersOf(log: EventLog): readonly Uint8Array[] {
  const values = replayed(log, nodePrimitives);
  return Array.from({ length: 24 }, (_, pcr) => values.get(pcr) ?? new Uint8Array(32));
}

describe("the event log of", () => {
  for (const [machine, { file, banks }] of Object.entries(MACHINES)) {
    const expected = banks["SHA256"];
    if (expected === undefined) continue;
    itWithVectors(`${machine} replays to what its machine had`, () => {
      const values = replayed(parseEventLog(readVector("tpm-eventlog", file)), nodePrimitives);
      expect(Object.fromEntries(Array.from(values, ([pcr, value]) => [pcr, hexOf(value)]))).toEqual(expected);
    });
  }

  for (const [machine, isOn] of Object.entries(SECURE_BOOT)) {
    itWithVectors(`${machine} says that secure boot was ${isOn ? "on" : "off"}`, () => {
      const log = parseEventLog(readVector("tpm-eventlog", MACHINES[machine]?.file ?? ""));
      expect(secureBootOf(log, nodePrimitives)).toBe(isOn);
    });
  }

  itWithVectors(
    "a real machine is refused with any one of its events changed, left out, or told twice",
    () => {
      const log = parseEventLog(readVector("tpm-eventlog/ubuntu-2104-no-dbx.bin"));
      const pcrs = registersOf(log);
      expect(codeOf(() => refuseOtherBoot(log, pcrs, nodePrimitives))).toBeUndefined();
      for (const [at, event] of log.events.entries()) {
        if (event.type === 3 || event.pcr >= 8) continue;
        const others = [
          log.events.map((own, i) => (i === at ? { ...own, digest: digest(own.digest) } : own)),
          log.events.filter((_, i) => i !== at),
          log.events.flatMap((own, i) => (i === at ? [own, own] : [own])),
        ];
        for (const events of others) {
          expect(codeOf(() => refuseOtherBoot({ ...log, events }, pcrs, nodePrimitives))).toBe(
            "evidence/event-log",
          );
        }
      }
    },
  );
});

describe("an event log", () => {
  const good = bootLog([secureBootEvent(1), ...separators()]);

  it("replays from the locality at which the TPM was started", () => {
    const data = concatBytes(utf8("StartupLocality"), Uint8Array.of(0, 3));
    const silent = { pcr: 0, type: 3, digest: new Uint8Array(32), data };
    const log = parseEventLog(bootLog([silent, { pcr: 0, type: 1, data: utf8("crtm") }]));
    const first = concatBytes(new Uint8Array(31), Uint8Array.of(3));
    expect(replayed(log, nodePrimitives).get(0)).toEqual(digest(concatBytes(first, digest(utf8("crtm")))));
    expect(codeOf(() => parseEventLog(bootLog([silent, silent])))).toBe("evidence/malformed");
  });

  it("begins the registers of a dynamic launch with ones", () => {
    const log = parseEventLog(bootLog([{ pcr: 17, type: 1, data: utf8("drtm") }]));
    const ones = new Uint8Array(32).fill(0xff);
    expect(replayed(log, nodePrimitives).get(17)).toEqual(digest(concatBytes(ones, digest(utf8("drtm")))));
  });

  it("is read with zeroes after it, as the kernel shows it", () => {
    expect(parseEventLog(concatBytes(good, new Uint8Array(500)))).toEqual(parseEventLog(good));
  });

  it("lets the registers be anything that an operating system extends later", () => {
    const log = parseEventLog(good);
    const pcrs = registersOf(log).map((value, pcr) => (pcr >= 8 ? new Uint8Array(32).fill(pcr) : value));
    expect(codeOf(() => refuseOtherBoot(log, pcrs, nodePrimitives))).toBeUndefined();
  });

  it("is refused where firmware's registers hold what it does not tell of", () => {
    const log = parseEventLog(good);
    for (let at = 0; at < 8; at += 1) {
      const pcrs = registersOf(log).map((value, pcr) => (pcr === at ? new Uint8Array(32) : value));
      expect(
        codeOf(() => refuseOtherBoot(log, pcrs, nodePrimitives)),
        `PCR ${at}`,
      ).toBe("evidence/event-log");
    }
    expect(codeOf(() => refuseOtherBoot({ ...log, events: [] }, registersOf(log), nodePrimitives))).toBe(
      "evidence/event-log",
    );
  });

  const malformed: readonly (readonly [string, Uint8Array])[] = [
    ["no bytes", new Uint8Array(0)],
    ["more than 128 KiB", concatBytes(good, new Uint8Array(128 * 1024))],
    ["a first record of another register", patched(good, 0, 1)],
    ["a first record of another type", patched(good, 4, 4)],
    ["a first record that extends something", patched(good, 8, 1)],
    ["the name of another form", patched(good, 32, 0x54)],
    ["nine banks", bootLog([], { banks: Array.from({ length: 9 }, (_, i) => [0x000b + i, 32] as const) })],
    ["no SHA-256 bank", bootLog([], { banks: [[0x0004, 20]] })],
    ["a SHA-256 bank of another size", bootLog([], { banks: [[0x000b, 20]] })],
    [
      "one bank twice",
      bootLog([], {
        banks: [
          [0x000b, 32],
          [0x000b, 32],
        ],
      }),
    ],
    ["an event of PCR 24", bootLog([{ pcr: 24, type: 1, data: utf8("x") }])],
    [
      "an event of a bank that nobody named",
      bootLog([{ pcr: 1, type: 1, data: utf8("x"), banks: [0x000b, 0x000d] }]),
    ],
    [
      "an event with one digest twice",
      bootLog([{ pcr: 1, type: 1, data: utf8("x"), banks: [0x000b, 0x000b] }], {
        banks: [
          [0x000b, 32],
          [0x0012, 32],
        ],
      }),
    ],
    ["an event without a digest of SHA-256", bootLog([{ pcr: 1, type: 1, data: utf8("x"), banks: [] }])],
    ["an event that is longer than the log", concatBytes(good.slice(0, -5), Uint8Array.of(1))],
    [
      "2049 events",
      bootLog(Array.from({ length: 2049 }, () => ({ pcr: 1, type: 1, data: new Uint8Array(0) }))),
    ],
  ];
  it.each(malformed)("is refused with %s", (_name, bytes) => {
    expect(codeOf(() => parseEventLog(bytes))).toBe("evidence/malformed");
  });

  it("is refused cut off anywhere but between two events", () => {
    const log = bootLog([secureBootEvent(1)]);
    for (let size = 0; size < log.length; size += 1) {
      const code = codeOf(() => parseEventLog(log.slice(0, size)));
      expect(code === "evidence/malformed" || parseEventLog(log.slice(0, size)).events.length === 0).toBe(
        true,
      );
    }
  });

  it("ends in a fault or in events, whatever the bytes are", () => {
    const cut = fc
      .tuple(fc.nat({ max: good.length }), fc.uint8Array({ maxLength: 80 }))
      .map(([at, tail]) => concatBytes(good.slice(0, at), tail));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), cut), (bytes) => {
        expect(codeOf(() => parseEventLog(bytes)) ?? "read").toMatch(/^(evidence\/malformed|read)$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe("secure boot", () => {
  const said = (events: readonly LogEvent[]) => secureBootOf(parseEventLog(bootLog(events)), nodePrimitives);
  const separator: LogEvent = { pcr: 7, type: 4, data: new Uint8Array(4) };
  const off = secureBootEvent(0);
  const on = secureBootEvent(1);
  const rows: readonly (readonly [string, readonly LogEvent[], boolean | undefined])[] = [
    ["on, as firmware measured", [on, separator], true],
    ["off, as firmware measured", [off, separator], false],
    ["unknown where nobody measured it", [separator], undefined],
    ["unknown where it is said only after firmware handed over", [separator, on], undefined],
    ["off where it is said both ways", [off, on, separator], false],
    [
      "off where the digest does not cover what is said",
      [{ ...on, digest: digest(off.data) }, separator],
      false,
    ],
    ["unknown where it is said of another register", [{ ...on, pcr: 6 }, separator], undefined],
    ["unknown where another variable is measured", [{ ...on, data: renamed(on.data) }, separator], undefined],
    ["unknown where firmware never hands over", [on], undefined],
    ["off where it is neither on nor off", [secureBootEvent(2), separator], false],
  ];
  it.each(rows)("is %s", (_name, events, isOn) => {
    expect(said(events)).toBe(isOn);
  });
});

/** `SetupMode`-like: the same shape under another name. */
function renamed(data: Uint8Array): Uint8Array {
  return data.map((byte, i) => (i === 32 ? byte ^ 1 : byte));
}

function patched(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  return bytes.map((old, i) => (i === at ? byte : old));
}
