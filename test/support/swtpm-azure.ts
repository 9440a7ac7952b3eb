/** What does Azure's paravisor put into a vTPM? An attestation key and a report that vouches for it, here in swtpm, with a simulated chip's signature. */

import { readSized, sized } from "../../src/attestation/tpm/command.ts";
import { readRsaKey } from "../../src/attestation/tpm/rsa-key.ts";
import type { Transact } from "../../src/attestation/tpm/transact.ts";
import { concatBytes, u16be, u32be } from "../../src/base/bytes.ts";
import { Reader } from "../../src/base/reader.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { azureHclBlob, type ParavisorPlan } from "../../src/simulator/azure-hcl.ts";
import type { SimulatedChip } from "../../src/simulator/sp.ts";
import { raw, rawCommand } from "./swtpm.ts";

export const AK = 0x8100_0003;
export const HCL_INDEX = 0x0140_0001;
const OWNER = 0x4000_0001;
const ENDORSEMENT = 0x4000_000b;
const [RSA, RSASSA, SHA256, NULL] = [0x0001, 0x0014, 0x000b, 0x0010];
/** The largest that swtpm holds; older VMs of Azure have as much. */
const NV_SIZE = 2048;
const PIECE = 1024;
/** fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, sign. */
const AK_ATTRIBUTES = 0x0005_0472;
const NOTHING = new Uint8Array(0);

/** Makes an attestation key as the paravisor's template has it, and keeps it at its handle in the place of any other. */
export async function makeAttestationKey(
  device: string,
  handle = AK,
  seed: Uint8Array = NOTHING,
): Promise<void> {
  await evicted(handle, device);
  const scheme = concatBytes(u16be(NULL), u16be(RSASSA), u16be(SHA256), u16be(2048), u32be(0));
  const template = concatBytes(
    u16be(RSA),
    u16be(SHA256),
    u32be(AK_ATTRIBUTES),
    sized(NOTHING),
    scheme,
    sized(seed),
  );
  const sensitive = sized(concatBytes(sized(NOTHING), sized(NOTHING)));
  const parameters = concatBytes(sensitive, sized(template), sized(NOTHING), u32be(0));
  const loaded = handleIn(await done(0x131, [ENDORSEMENT], parameters, device));
  await done(0x120, [OWNER, loaded], u32be(handle), device, 1);
  await withTpm(device, (transact) =>
    transact(concatBytes(u16be(0x8001), u32be(14), u32be(0x165), u32be(loaded))),
  );
}

export async function evicted(handle: number, device: string): Promise<void> {
  await raw(0x120, [OWNER, handle], u32be(handle), device, 1);
}

/** Writes the paravisor's report over the key at the handle of this TPM, or what is given. */
export async function writeHclBlob(
  device: string,
  chip: SimulatedChip,
  plan: Partial<ParavisorPlan> = {},
): Promise<Uint8Array> {
  const spki = await withTpm(device, (transact) => readRsaKey(AK, transact));
  const akModulus = plan.akModulus ?? spki?.slice(33, 33 + 256) ?? NOTHING;
  const blob = azureHclBlob(chip, { claims: withoutRoom, ...plan, akModulus }).slice(0, NV_SIZE);
  await defineNv(device, HCL_INDEX, NV_SIZE);
  await writeNv(device, blob);
  return blob;
}

/** Makes room at an index that the owner may read and write, in the place of what was there. */
export async function defineNv(device: string, index: number, size: number): Promise<void> {
  await undefineNv(device, index);
  const attributes = u32be(0x0202_0002);
  const area = concatBytes(u32be(index), u16be(SHA256), attributes, sized(NOTHING), u16be(size));
  await done(0x12a, [OWNER], concatBytes(sized(NOTHING), sized(area)), device);
}

export async function undefineNv(device: string, index: number): Promise<void> {
  await raw(0x122, [OWNER, index], NOTHING, device, 1);
}

export function writeNv(device: string, blob: Uint8Array, index = HCL_INDEX): Promise<void> {
  return withTpm(device, (transact) => writeOver(transact, blob, index));
}

/** The same, for whoever has the TPM open already. */
export async function writeOver(transact: Transact, blob: Uint8Array, index = HCL_INDEX): Promise<void> {
  for (let at = 0; at < blob.length; at += PIECE) {
    const piece = blob.slice(at, Math.min(at + PIECE, blob.length));
    const answer = await transact(rawCommand(0x137, [OWNER, index], concatBytes(sized(piece), u16be(at)), 1)); // in order: one TPM
    refuseRefusal(0x137, answer);
  }
}

/** What an older paravisor said: no key to encrypt to, no user data. */
function withoutRoom(ordinary: string): string {
  const claims = JSON.parse(ordinary);
  return JSON.stringify({ keys: claims.keys.slice(0, 1), "vm-configuration": claims["vm-configuration"] });
}

export interface Attested {
  readonly quote: Uint8Array;
  readonly signature: Uint8Array;
}

/** What the attestation key signs, by any command that has it sign: TPM2B_ATTEST and TPMT_SIGNATURE. */
export async function attestedBy(
  code: number,
  handles: readonly number[],
  parameters: Uint8Array,
  device: string,
): Promise<Attested> {
  const reader = new Reader(await done(code, handles, parameters, device), "tpm/malformed");
  reader.bytes(14);
  const quote = readSized(reader);
  reader.bytes(4);
  return { quote, signature: readSized(reader) };
}

/** TPM2_Quote's parameters: data, no other scheme than the key's, banks with the bits of their registers. */
export function quoteParameters(
  data: Uint8Array,
  selections: readonly (readonly [bank: number, bits: readonly number[]])[],
) {
  const banks = selections.map(([bank, bits]) =>
    concatBytes(u16be(bank), Uint8Array.of(bits.length, ...bits)),
  );
  return concatBytes(sized(data), u16be(NULL), u32be(banks.length), ...banks);
}

/** The whole answer of a command that has to succeed. */
async function done(
  code: number,
  handles: readonly number[],
  parameters: Uint8Array,
  device: string,
  authorized = handles.length,
): Promise<Uint8Array> {
  const answer = await raw(code, handles, parameters, device, authorized);
  refuseRefusal(code, answer);
  return answer;
}

function refuseRefusal(code: number, answer: Uint8Array): void {
  const returned = new DataView(answer.buffer, answer.byteOffset).getUint32(6);
  if (returned !== 0) {
    throw new Error(`the TPM answered 0x${code.toString(16)} with 0x${returned.toString(16)}`);
  }
}

function handleIn(answer: Uint8Array): number {
  return new DataView(answer.buffer, answer.byteOffset).getUint32(10);
}
