/** How does a TPM count? By an NV index that only goes up, asked and answered in a session that nobody on the bus can forge (Part 3, section 31). */

import {
  answerReader,
  ask,
  emptyPassword,
  hasAnswered,
  malformed,
  readSized,
  sized,
} from "../../attestation/tpm/command.ts";
import { nameOf } from "../../attestation/tpm/object-name.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { NV, TPM_ALG, TPM_RC, TPM_RH } from "../../attestation/tpm/words.ts";
import { concatBytes, equalBytes, u16be, u32be } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { withPrimary } from "./primary.ts";
import { type SessionCommand, type SessionParts, type TpmParts, withSession } from "./session.ts";

export interface CounterPlace {
  readonly device: string;
  /** Below 0x01c00000 and not below 0x01800000: the owner's part of the NV indices. */
  readonly index: number;
}

const COUNTER_SIZE = 8;
const ATTRIBUTES = NV.counter | NV.authWrite | NV.authRead | NV.noDa;
/** The same without one bit: an index that was made to learn where counting begins, and is no counter of anybody's. */
const TRIAL = NV.counter | NV.authWrite | NV.authRead;

/** `undefined` where the index is not defined, 0 where it never counted. @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`. */
export function readCounter({ device, index }: CounterPlace, parts: TpmParts): Promise<bigint | undefined> {
  return parts.withTpm(device, async (tpm) => {
    const known = await publicAt(index, tpm);
    if (known === undefined || known.isTrial) return undefined;
    return known.isWritten ? countOf(index, { tpm, parts, area: known.area }) : 0n;
  });
}

/**
 * Makes a counter that never counted, and answers what it will count to first.
 *
 * INVARIANT: a TPM begins every new counter above all that it ever had, at a number that it shows to nobody. A trial index learns it and
 * goes again, so that the number is known before the real one counts; one that did count is never removed here.
 *
 * @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`.
 */
export function createCounter({ device, index }: CounterPlace, parts: TpmParts): Promise<bigint> {
  return parts.withTpm(device, async (tpm) => {
    const known = await publicAt(index, tpm);
    if (known !== undefined && !known.isTrial && known.isWritten) {
      throw new Fault("tpm/unavailable", "expected no counter that counts already where one is to be made");
    }
    if (known !== undefined) await undefine(index, tpm);
    await define(publicOf(index, TRIAL), tpm);
    const highest = await counted(index, TRIAL, { tpm, parts });
    await undefine(index, tpm);
    await define(publicOf(index, ATTRIBUTES), tpm);
    return highest + 1n;
  });
}

/** Counts, and answers the new number. @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`. */
export function incrementCounter({ device, index }: CounterPlace, parts: TpmParts): Promise<bigint> {
  return parts.withTpm(device, (tpm) => counted(index, ATTRIBUTES, { tpm, parts }));
}

async function counted(
  index: number,
  attributes: number,
  { tpm, parts }: Omit<Asked, "area">,
): Promise<bigint> {
  const before = await publicAt(index, tpm);
  if (before === undefined) throw new Fault("tpm/unavailable", "the counter is not there any more");
  const { area } = before;
  await proven({ name: "nvIncrement", index, area, parameters: new Uint8Array(0) }, tpm, parts);
  return countOf(index, { tpm, parts, area: publicOf(index, attributes | NV.written) });
}

/** Whoever opens the device may count and thereby stop a start; none may count back. */
function publicOf(index: number, attributes: number): Uint8Array {
  const nothing = sized(new Uint8Array(0));
  return concatBytes(u32be(index), u16be(TPM_ALG.sha256), u32be(attributes), nothing, u16be(COUNTER_SIZE));
}

async function define(area: Uint8Array, tpm: Transact): Promise<void> {
  const parameters = concatBytes(sized(new Uint8Array(0)), sized(area));
  await ask({ name: "nvDefineSpace", handles: [TPM_RH.owner], parameters, auth: emptyPassword() }, tpm);
}

async function undefine(index: number, tpm: Transact): Promise<void> {
  const handles = [TPM_RH.owner, index];
  await ask({ name: "nvUndefineSpace", handles, parameters: new Uint8Array(0), auth: emptyPassword() }, tpm);
}

/** Where there is none, nothing happens. @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`. */
export async function removeCounter(
  { device, index }: CounterPlace,
  { withTpm }: Pick<TpmParts, "withTpm">,
): Promise<void> {
  await withTpm(device, async (tpm) => {
    if ((await publicAt(index, tpm)) !== undefined) await undefine(index, tpm);
  });
}

const KINDS = [ATTRIBUTES, TRIAL].flatMap((kind) =>
  [0, NV.written].map((written) => ({
    attributes: kind | written,
    isTrial: kind === TRIAL,
    isWritten: written !== 0,
  })),
);

/** What lies at the index: a counter of ours, or nothing. @throws {@link Fault} `tpm/unavailable` for anything else. */
async function publicAt(index: number, tpm: Transact) {
  const command = { name: "nvReadPublic", handles: [index], parameters: new Uint8Array(0) } as const;
  try {
    const reader = answerReader((await ask(command, tpm)).parameters);
    const area = readSized(reader);
    readSized(reader); // its name: computed here, and compared by the TPM with each command
    reader.end();
    const kind = KINDS.find(({ attributes }) => equalBytes(area, publicOf(index, attributes)));
    if (kind !== undefined) return { area, ...kind };
  } catch (thrown) {
    if (hasAnswered(thrown, TPM_RC.handle1)) return undefined;
    throw thrown;
  }
  const at = `0x${index.toString(16)}`;
  throw new Fault("tpm/unavailable", `something else lies at NV index ${at}: choose another`, { index: at });
}

interface Asked {
  readonly tpm: Transact;
  readonly parts: SessionParts;
  readonly area: Uint8Array;
}

async function countOf(index: number, { tpm, parts, area }: Asked): Promise<bigint> {
  const parameters = concatBytes(u16be(COUNTER_SIZE), u16be(0));
  const answer = await proven({ name: "nvRead", index, area, parameters }, tpm, parts);
  const reader = answerReader(answer.parameters);
  const value = readSized(reader);
  reader.end();
  if (value.length === COUNTER_SIZE) return new DataView(value.buffer).getBigUint64(0);
  throw malformed("expected a counter of 8 bytes");
}

/** The index authorizes itself, by an authorization that is empty: what proves the answer is the session's key. */
function proven(
  of: Pick<SessionCommand, "name" | "parameters"> & { readonly index: number; readonly area: Uint8Array },
  tpm: Transact,
  parts: SessionParts,
) {
  const { name, index, area, parameters } = of;
  const own = nameOf(area, parts);
  return withPrimary(tpm, parts, (primary) =>
    withSession({ kind: "hmac", primary, tpm }, parts, (session) =>
      session.ask({ name, handles: [index, index], names: [own, own], parameters }),
    ),
  );
}
