/** What does an SVSM ask of its vTPM, and what does a TPM make of another's keys? Here of swtpm: endorsement keys, credentials, keys from outside. */
import { answerReader, readSized, sized } from "../../src/attestation/tpm/command.ts";
import { withPrimaryOf } from "../../src/attestation/tpm/create-primary.ts";
import { flushed } from "../../src/attestation/tpm/flush.ts";
import type { Credential } from "../../src/attestation/tpm/make-credential.ts";
import { EK_TEMPLATE } from "../../src/attestation/tpm/svsm-templates.ts";
import type { Transact } from "../../src/attestation/tpm/transact.ts";
import { TPM_RH } from "../../src/attestation/tpm/words.ts";
import { concatBytes, parseHex, u16be, u32be } from "../../src/base/bytes.ts";
import { withTpm } from "../../src/runtime/node/tpm.ts";
import { raw } from "./swtpm.ts";

/** TCG EK Credential Profile, template L-2: P-256. */
export const ECC_EK_TEMPLATE = concatBytes(
  parseHex("0023000b000300b2") ?? new Uint8Array(0),
  sized(EK_TEMPLATE.slice(10, 42)),
  parseHex("000600800043001000030010") ?? new Uint8Array(0),
  sized(new Uint8Array(32)),
  sized(new Uint8Array(32)),
);

/** A key that is loaded, with its TPMT_PUBLIC. */
export interface LoadedKey {
  readonly handle: number;
  readonly area: Uint8Array;
}

export function withKeyOf<T>(
  template: Uint8Array,
  transact: Transact,
  work: (key: LoadedKey) => Promise<T>,
): Promise<T> {
  return withPrimaryOf({ hierarchy: TPM_RH.endorsement, template }, transact, (made) =>
    work({ handle: made.handle, area: readSized(answerReader(made.parameters)) }),
  );
}

/** What the manifest of an SVSM with this TPM names. */
export function ekAreaOf(device: string, template: Uint8Array = EK_TEMPLATE): Promise<Uint8Array> {
  return withTpm(device, (transact) => withKeyOf(template, transact, async ({ area }) => area));
}

/** TPM2_LoadExternal of a public area alone, for as long as `work` takes. */
export async function withExternal<T>(
  area: Uint8Array,
  transact: Transact,
  work: (handle: number) => Promise<T>,
): Promise<T> {
  const parameters = concatBytes(u16be(0), sized(area), u32be(TPM_RH.null));
  const body = concatBytes(u32be(0x167), parameters);
  const answer = await transact(concatBytes(u16be(0x8001), u32be(body.length + 6), body));
  const view = new DataView(answer.buffer, answer.byteOffset);
  if (view.getUint32(6) !== 0) throw new Error(`TPM2_LoadExternal: 0x${view.getUint32(6).toString(16)}`);
  return flushed(view.getUint32(10), transact, () => work(view.getUint32(10)));
}

/** TPM2_MakeCredential, by the TPM itself. */
export async function madeByTpm(
  ek: Uint8Array,
  plan: { readonly name: Uint8Array; readonly secret: Uint8Array },
  transact: Transact,
): Promise<Credential> {
  return withExternal(ek, transact, async (handle) => {
    const body = concatBytes(u32be(0x168), u32be(handle), sized(plan.secret), sized(plan.name));
    const answer = await transact(concatBytes(u16be(0x8001), u32be(body.length + 6), body));
    const reader = answerReader(answer);
    reader.bytes(10);
    return { idObject: readSized(reader), encryptedSecret: readSized(reader) };
  });
}

/** TPM2_HierarchyChangeAuth of the endorsement hierarchy, whose authorization is empty: then it has one. */
export async function lockEndorsement(device: string): Promise<void> {
  const answer = await raw(0x129, [TPM_RH.endorsement], sized(Uint8Array.of(1, 2, 3, 4)), device);
  if (new DataView(answer.buffer, answer.byteOffset).getUint32(6) !== 0) throw new Error("a password");
}

/** TPM2_GetCapability: how many objects and sessions are loaded. */
export async function loadedIn(device: string): Promise<number> {
  const counts: number[] = [];
  for (const first of [0x8000_0000, 0x0200_0000, 0x0300_0000]) {
    const command = concatBytes(u16be(0x8001), u32be(22), u32be(0x17a), u32be(1), u32be(first), u32be(9));
    const answer = await withTpm(device, (transact) => transact(command)); // in order: one TPM
    counts.push(new DataView(answer.buffer, answer.byteOffset).getUint32(15));
  }
  return counts.reduce((all, one) => all + one, 0);
}
