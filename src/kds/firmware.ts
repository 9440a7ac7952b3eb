/** What does Google say of a firmware whose host brought no word of it? Asked of its bucket or a mirror, once for each firmware. */
import { parseLaunchEndorsement } from "../attestation/gcp/launch-endorsement.ts";
import { equalBytes, hexOf } from "../base/bytes.ts";
import { isFault } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import { type AskParts, createAsk } from "./ask.ts";

export interface FirmwareOptions extends AskParts {
  /** The bucket `gce_tcb_integrity`, or a mirror of it, without a trailing slash. */
  readonly baseUrl: string;
  readonly now: () => Instant;
  readonly log: Log;
}

/** Of a genuine report's MEASUREMENT. `undefined` where there is none, or none can be had: then its facts are absent. */
export type FirmwareSource = (measurement: Uint8Array) => Promise<Uint8Array | undefined>;

/** Under this path the bucket keeps endorsements of SEV-SNP firmware (google/gce-tcb-verifier, `extract/extractsev`). */
const FOLDER = "/ovmf_x64_csm/sevsnp/";
const MAX_IN_FLIGHT = 4;
const MAX_KEPT = 256;
/** What was found is signed, and verified anew each time; what was not may be put there later. */
const FOUND_SECONDS = 86_400;
const ABSENT_SECONDS = 600;
const FAILED_SECONDS = 30;

interface Kept {
  readonly bytes: Uint8Array | undefined;
  readonly until: Instant;
}

/**
 * Makes the source. It never throws, and what it gives is not verified: who cannot be asked, or answers something else, is a line of
 * the log and an absent endorsement, so that a guest whose policy asks for no word of Google's is not kept waiting for it again.
 */
export function createFirmwareSource(options: FirmwareOptions): FirmwareSource {
  const ask = createAsk(options);
  const kept = new Map<string, Kept>();
  const flying = new Map<string, Promise<Uint8Array | undefined>>();

  return (measurement) => {
    const name = hexOf(measurement);
    const known = kept.get(name);
    if (known !== undefined && options.now() < known.until) return Promise.resolve(known.bytes);
    const under = flying.get(name);
    if (under !== undefined) return under;
    if (flying.size >= MAX_IN_FLIGHT) return Promise.resolve(undefined);
    const asked = find(name, measurement).finally(() => flying.delete(name));
    flying.set(name, asked);
    return asked;
  };

  async function find(name: string, measurement: Uint8Array): Promise<Uint8Array | undefined> {
    const answer = await ask(`${options.baseUrl}${FOLDER}${name}.binarypb`);
    const isFound = answer.kind === "found" && isOf(answer.bytes, measurement);
    const seconds = isFound ? FOUND_SECONDS : answer.kind === "absent" ? ABSENT_SECONDS : FAILED_SECONDS;
    if (!isFound && answer.kind !== "absent")
      options.log("warn", "no-firmware-endorsement", { answer: answer.kind });
    const bytes = isFound ? answer.bytes : undefined;
    keep(name, { bytes, until: addSeconds(options.now(), seconds) });
    return bytes;
  }

  function keep(name: string, found: Kept): void {
    const [oldest] = kept.keys();
    if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    kept.set(name, found);
  }
}

/** A page of a proxy, or an endorsement of something else, is no answer. */
function isOf(bytes: Uint8Array, measurement: Uint8Array): boolean {
  try {
    const { measurements, svsmMeasurement } = parseLaunchEndorsement(bytes).snp;
    return [...measurements.values(), svsmMeasurement].some(
      (one) => one !== undefined && equalBytes(one, measurement),
    );
  } catch (thrown) {
    if (isFault(thrown)) return false;
    throw thrown;
  }
}
