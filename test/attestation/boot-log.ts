/** What does firmware write while it boots? Event logs of the crypto-agile form, good but for what a test changes. */
import { concatBytes, parseHex, u16le, u32le, utf8 } from "../../src/base/bytes.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

export interface LogEvent {
  readonly pcr: number;
  readonly type: number;
  readonly data: Uint8Array;
  /** The hash of the data where it is not given. */
  readonly digest?: Uint8Array;
  /** The banks that have a digest. */
  readonly banks?: readonly number[];
}

const SHA256 = 0x000b;

/** A log of these events: a first record that names the banks, then the events. */
export function bootLog(
  events: readonly LogEvent[],
  { banks = [[SHA256, 32]] }: { readonly banks?: readonly (readonly [number, number])[] } = {},
): Uint8Array {
  const spec = concatBytes(
    utf8("Spec ID Event03"),
    Uint8Array.of(0, 0, 0, 0, 0, 0, 2, 0, 2),
    u32le(banks.length),
    ...banks.map(([bank, size]) => concatBytes(u16le(bank), u16le(size))),
    Uint8Array.of(0),
  );
  const first = concatBytes(u32le(0), u32le(3), new Uint8Array(20), u32le(spec.length), spec);
  return concatBytes(first, ...events.map(recordOf));
}

function recordOf({ pcr, type, data, digest, banks = [SHA256] }: LogEvent): Uint8Array {
  const value = digest ?? nodePrimitives.digest("sha256", data);
  const digests = banks.map((bank) => concatBytes(u16le(bank), value));
  return concatBytes(u32le(pcr), u32le(type), u32le(banks.length), ...digests, u32le(data.length), data);
}

/** Firmware measures the variable `SecureBoot`. */
export function secureBootEvent(value: number): LogEvent {
  const guid = parseHex("61dfe48bca93d211aa0d00e098032b8c") ?? new Uint8Array(0);
  const name = Uint8Array.from("SecureBoot", (letter) => letter.charCodeAt(0));
  const utf16 = concatBytes(...Array.from(name, (code) => Uint8Array.of(code, 0)));
  const sizes = concatBytes(u32le(10), u32le(0), u32le(1), u32le(0));
  return { pcr: 7, type: 0x8000_0001, data: concatBytes(guid, sizes, utf16, Uint8Array.of(value)) };
}

/** Firmware hands over: one separator in each of its registers. */
export function separators(): readonly LogEvent[] {
  return Array.from({ length: 8 }, (_, pcr) => ({ pcr, type: 4, data: new Uint8Array(4) }));
}
