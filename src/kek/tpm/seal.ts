/** How does a TPM keep a root key? Sealed under its storage key to what the machine booted, and taken out again by whoever runs the same. */

import { answerReader, ask, hasAnswered, readSized, sized } from "../../attestation/tpm/command.ts";
import { flushed } from "../../attestation/tpm/flush.ts";
import { nameOf } from "../../attestation/tpm/object-name.ts";
import { readPcrs, selectionOf } from "../../attestation/tpm/pcrs.ts";
import type { Transact } from "../../attestation/tpm/transact.ts";
import { OBJECT, TPM_ALG, TPM_RC } from "../../attestation/tpm/words.ts";
import { concatBytes, equalBytes, u16be, u32be } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { keyIdOf } from "../key.ts";
import { policyOf } from "./policy.ts";
import { type Primary, withPrimary } from "./primary.ts";
import type { SealedFile } from "./sealed-file.ts";
import { type SessionParts, type TpmParts, withSession } from "./session.ts";

const KEY_SIZE = 32;

/**
 * Seals a key to the present values of some PCRs. Before it returns, the TPM has opened it again: what it said of its PCRs was so.
 *
 * @param key - 32 bytes; stays with the caller. It crosses the bus encrypted.
 * @throws {@link Fault} `tpm/unavailable`, `tpm/malformed`, `kek/unavailable`.
 */
export function sealKey(
  key: Uint8Array,
  { device, pcrs }: { readonly device: string; readonly pcrs: readonly number[] },
  parts: TpmParts,
): Promise<SealedFile> {
  return parts.withTpm(device, (tpm) =>
    withPrimary(tpm, parts, async (primary) => {
      const values = await readPcrs(pcrs, tpm);
      const policy = policyOf(pcrs, values, parts);
      const blobs = await created(key, policy, { primary, tpm }, parts);
      const sealed = { id: keyIdOf(key, parts), pcrs, values, parent: primary.publicArea, ...blobs };
      zeroize(await unsealed(sealed, { primary, tpm }, parts));
      return sealed;
    }),
  );
}

/**
 * Takes the key out.
 *
 * @returns 32 bytes, for the caller to overwrite.
 * @throws {@link Fault} `kek/unavailable` where this TPM, or what booted, is another; `tpm/…`.
 */
export function unsealKey(sealed: SealedFile, device: string, parts: TpmParts): Promise<Uint8Array> {
  return parts.withTpm(device, (tpm) =>
    withPrimary(tpm, parts, (primary) => unsealed(sealed, { primary, tpm }, parts)),
  );
}

interface At {
  readonly primary: Primary;
  readonly tpm: Transact;
}

/** A sealed data object (Part 3, section 12.1), usable by its policy alone: no bit of userWithAuth. */
function templateOf(policy: Uint8Array): Uint8Array {
  const attributes = OBJECT.fixedTpm | OBJECT.fixedParent | OBJECT.noDa;
  return concatBytes(
    u16be(TPM_ALG.keyedHash),
    u16be(TPM_ALG.sha256),
    u32be(attributes),
    sized(policy),
    u16be(TPM_ALG.null),
  );
}

async function created(
  key: Uint8Array,
  policy: Uint8Array,
  { primary, tpm }: At,
  parts: SessionParts,
): Promise<Pick<SealedFile, "publicArea" | "privateArea">> {
  const template = templateOf(policy);
  const nothing = sized(new Uint8Array(0));
  const sensitive = sized(concatBytes(nothing, sized(key)));
  const parameters = concatBytes(sensitive, sized(concatBytes(template, nothing)), nothing, u32be(0));
  const [handles, names] = [[primary.handle], [primary.name]];
  const answer = await withSession({ kind: "hmac", primary, tpm }, parts, (session) =>
    session.ask({ name: "create", handles, names, parameters, hides: "command" }),
  );
  zeroize(sensitive, parameters);
  const reader = answerReader(answer.parameters);
  const [privateArea, publicArea] = [readSized(reader), readSized(reader)];
  return { publicArea, privateArea };
}

async function unsealed(sealed: SealedFile, { primary, tpm }: At, parts: SessionParts): Promise<Uint8Array> {
  // INVARIANT: sessions are salted to the storage key that sealed, which only that TPM has; to no other is anything sent.
  if (!equalBytes(primary.publicArea, sealed.parent)) {
    throw unavailable("this is another TPM than the one that sealed the key, or its owner was cleared since");
  }
  const name = nameOf(sealed.publicArea, parts);
  const parameters = concatBytes(sized(sealed.privateArea), sized(sealed.publicArea));
  const [handles, names] = [[primary.handle], [primary.name]];
  const loaded = await withSession({ kind: "hmac", primary, tpm }, parts, (session) =>
    session.ask({ name: "load", handles, names, parameters, answersHandles: 1 }),
  );
  return flushed(loaded.handle, tpm, async () => {
    const object = { handle: loaded.handle, name };
    const key = await openedByPolicy(sealed, object, { primary, tpm }, parts);
    if (key.length === KEY_SIZE && equalBytes(keyIdOf(key, parts), sealed.id)) return key;
    zeroize(key);
    throw unavailable("the TPM holds another key than the one that the file is of");
  });
}

async function openedByPolicy(
  sealed: SealedFile,
  object: { readonly handle: number; readonly name: Uint8Array },
  { primary, tpm }: At,
  parts: SessionParts,
): Promise<Uint8Array> {
  const { pcrs } = sealed;
  return withSession({ kind: "policy", primary, tpm }, parts, async (session) => {
    const nothing = sized(new Uint8Array(0));
    const parameters = concatBytes(nothing, selectionOf(pcrs));
    await ask({ name: "policyPcr", handles: [session.handle], parameters }, tpm);
    const unseal = {
      name: "unseal",
      handles: [object.handle],
      names: [object.name],
      parameters: new Uint8Array(0),
    } as const;
    const answer = await session.ask({ ...unseal, hides: "answer" }).catch(async (thrown: unknown) => {
      throw hasAnswered(thrown, TPM_RC.policyFail) ? await otherBoot(sealed, tpm) : thrown;
    });
    const reader = answerReader(answer.parameters);
    const key = readSized(reader);
    reader.end();
    zeroize(answer.parameters);
    return key;
  });
}

async function otherBoot({ pcrs, values }: SealedFile, tpm: Transact): Promise<Fault> {
  const now = await readPcrs(pcrs, tpm);
  const changed = pcrs.filter(
    (_, i) => !equalBytes(now[i] ?? new Uint8Array(0), values[i] ?? new Uint8Array(0)),
  );
  const which = changed.length === 0 ? pcrs : changed;
  const pcr = which.join(", ");
  return new Fault(
    "kek/unavailable",
    `this machine booted something else than when the key was sealed (PCR ${pcr} changed): boot what was there, or seal a copy of the key anew`,
    { changed: pcr },
  );
}

function unavailable(sentence: string): Fault {
  return new Fault("kek/unavailable", sentence);
}
