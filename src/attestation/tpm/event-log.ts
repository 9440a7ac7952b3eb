/** Which events made the registers what they are? The crypto-agile log of a boot, read, and replayed before anybody interprets it. */
import { concatBytes, equalBytes, isZero, utf8 } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import type { Primitives } from "../../base/primitives.ts";
import { Reader } from "../../base/reader.ts";
import { TPM_ALG } from "./words.ts";

export interface LoggedEvent {
  readonly pcr: number;
  readonly type: number;
  /** What was extended into the SHA-256 bank. */
  readonly digest: Uint8Array;
  /** Anybody's word, unless the digest covers it. */
  readonly data: Uint8Array;
}

export interface EventLog {
  readonly events: readonly LoggedEvent[];
  /** The locality at which the TPM was started: PCR 0 begins with it. */
  readonly startupLocality: number;
}

const MAX_LOG_BYTES = 128 * 1024;
const MAX_EVENTS = 2048;
const MAX_ALGORITHMS = 8;
const PCR_COUNT = 24;
const DIGEST_SIZE = 32;
const EV_NO_ACTION = 3;
const SPEC_ID = concatBytes(utf8("Spec ID Event03"), Uint8Array.of(0));
const STARTUP_LOCALITY = concatBytes(utf8("StartupLocality"), Uint8Array.of(0));
/** Firmware's own registers; the others an operating system goes on extending, without a line in this log. */
const FIRMWARE_PCRS = 8;

/**
 * Reads `binary_bios_measurements`: a record in the old form that names the banks, then TCG_PCR_EVENT2 records, then zeroes.
 *
 * @param bytes - At most 128 KiB, little-endian.
 * @throws {@link Fault} `evidence/malformed`, also for a log without the SHA-256 bank.
 * @see TCG PC Client Platform Firmware Profile, section 10
 */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > MAX_LOG_BYTES) throw malformed(`at most ${MAX_LOG_BYTES} bytes`);
  const reader = new Reader(bytes, "evidence/malformed");
  const sizes = readBanks(reader);
  const events: LoggedEvent[] = [];
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1; // zeroes follow: the kernel shows the firmware's buffer whole
  while (reader.at < end) {
    if (events.length === MAX_EVENTS) throw malformed(`at most ${MAX_EVENTS} events`);
    events.push(readEvent(reader, sizes));
  }
  return { events, startupLocality: localityOf(events) };
}

/** What PCR 0 to 23 hold after these events; only those that the log has an event of. */
export function replayed({ events, startupLocality }: EventLog, { digest }: Pick<Primitives, "digest">) {
  const values = new Map<number, Uint8Array>();
  for (const { pcr, type, digest: extended } of events) {
    if (type === EV_NO_ACTION) continue;
    const before = values.get(pcr) ?? initialValue(pcr, startupLocality);
    values.set(pcr, digest("sha256", concatBytes(before, extended)));
  }
  return values;
}

/**
 * Refuses a log of another boot: the registers that firmware alone extends must be what its events make of them.
 *
 * @param pcrs - The quoted values, PCR 0 to 23.
 * @throws {@link Fault} `evidence/event-log`.
 */
export function refuseOtherBoot(
  log: EventLog,
  pcrs: readonly Uint8Array[],
  primitives: Pick<Primitives, "digest">,
): void {
  const values = replayed(log, primitives);
  for (let pcr = 0; pcr < FIRMWARE_PCRS; pcr += 1) {
    const expected = pcrs[pcr];
    const made = values.get(pcr) ?? initialValue(pcr, log.startupLocality);
    if (expected === undefined || !equalBytes(made, expected)) {
      throw new Fault("evidence/event-log", `expected an event log that replays to the quoted PCR ${pcr}`, {
        pcr,
      });
    }
  }
}

type BankSizes = ReadonlyMap<number, number>;

/** The first record, in the form of SHA-1: which banks each event has a digest of, and how long those are. */
function readBanks(reader: Reader): BankSizes {
  const [pcr, type] = [reader.u32le(), reader.u32le()];
  if (pcr !== 0 || type !== EV_NO_ACTION || !isZero(reader.bytes(20)))
    throw malformed("a first record that names the banks");
  const spec = new Reader(reader.bytes(reader.u32le()), "evidence/malformed");
  if (!equalBytes(spec.bytes(SPEC_ID.length), SPEC_ID)) throw malformed("a log of the crypto-agile form");
  spec.bytes(8); // platform class, version of the specification, size of a UINTN
  const count = spec.u32le();
  if (count > MAX_ALGORITHMS) throw malformed(`at most ${MAX_ALGORITHMS} banks`);
  const sizes = new Map(Array.from({ length: count }, () => [spec.u16le(), spec.u16le()] as const));
  spec.bytes(spec.u8()); // vendor's own
  spec.end();
  if (sizes.size !== count || sizes.get(TPM_ALG.sha256) !== DIGEST_SIZE)
    throw malformed("the SHA-256 bank, and no bank twice");
  return sizes;
}

function readEvent(reader: Reader, sizes: BankSizes): LoggedEvent {
  const [pcr, type, count] = [reader.u32le(), reader.u32le(), reader.u32le()];
  if (pcr >= PCR_COUNT && type !== EV_NO_ACTION) throw malformed(`PCR 0 to ${PCR_COUNT - 1}`);
  if (count > sizes.size) throw malformed("one digest for each bank");
  const digests = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i += 1) {
    const bank = reader.u16le();
    const size = sizes.get(bank);
    if (size === undefined || digests.has(bank))
      throw malformed("one digest for each bank that the first record names");
    digests.set(bank, reader.bytes(size));
  }
  const digest = digests.get(TPM_ALG.sha256);
  if (digest === undefined) throw malformed("a digest of the SHA-256 bank in each event");
  return { pcr, type, digest, data: reader.bytes(reader.u32le()) };
}

/** Said once, before anything is extended; 0 where nobody says it. */
function localityOf(events: readonly LoggedEvent[]): number {
  const isOne = ({ type, data }: LoggedEvent): boolean =>
    type === EV_NO_ACTION &&
    data.length === STARTUP_LOCALITY.length + 1 &&
    equalBytes(data.slice(0, STARTUP_LOCALITY.length), STARTUP_LOCALITY);
  const said = events.filter(isOne);
  if (said.length > 1) throw malformed("one startup locality");
  return said[0]?.data.at(-1) ?? 0;
}

function initialValue(pcr: number, startupLocality: number): Uint8Array {
  const value = new Uint8Array(DIGEST_SIZE).fill(pcr >= 17 && pcr <= 22 ? 0xff : 0);
  if (pcr === 0) value[DIGEST_SIZE - 1] = startupLocality;
  return value;
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `expected ${expected} in the event log`);
}
