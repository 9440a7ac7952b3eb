/** How does a TPM say what a credential holds? To whoever has the named object loaded beside the endorsement key, by that key's policy. */
import { concatBytes, u16be, u32be } from "../../base/bytes.ts";
import { answerReader, ask, emptyPassword, malformed, readSized, sized } from "./command.ts";
import { flushed } from "./flush.ts";
import type { Credential } from "./make-credential.ts";
import type { Transact } from "./transact.ts";
import { SESSION, TPM_ALG, TPM_RH, TPM_SE } from "./words.ts";

/** Handles of loaded objects. */
export interface CredentialKeys {
  readonly ek: number;
  /** Of a key without an authorization of its own. */
  readonly ak: number;
}

export interface ActivateParts {
  readonly transact: Transact;
  readonly random: (size: number) => Uint8Array;
}

const NONCE_SIZE = 16;
const SECRET_SIZE = 32;
const NOTHING = sized(new Uint8Array(0));

/**
 * Activates a credential that was made for these two. The endorsement key's policy is TCG's: who knows the authorization of the
 * endorsement hierarchy, which has to be empty (TCG EK Credential Profile, section B.3, Policy A).
 *
 * @returns 32 bytes, for the caller to overwrite.
 * @throws {@link Fault} `tpm/unavailable`, also for a credential of another key, object or TPM; `tpm/malformed`.
 */
export async function activateCredential(
  { idObject, encryptedSecret }: Credential,
  { ek, ak }: CredentialKeys,
  { transact, random }: ActivateParts,
): Promise<Uint8Array> {
  const session = await startPolicy(random(NONCE_SIZE), transact);
  return flushed(session, transact, async () => {
    await proveEndorsementAuthorization(session, transact);
    const bySession = concatBytes(u32be(session), NOTHING, Uint8Array.of(SESSION.continue), NOTHING);
    const command = {
      name: "activateCredential",
      handles: [ak, ek],
      parameters: concatBytes(sized(idObject), sized(encryptedSecret)),
      auth: concatBytes(emptyPassword(), bySession),
    } as const;
    const reader = answerReader((await ask(command, transact)).parameters);
    const secret = readSized(reader);
    reader.end();
    if (secret.length === SECRET_SIZE) return secret;
    throw malformed(`expected a credential of ${SECRET_SIZE} bytes`);
  });
}

/** @returns Its handle. */
async function startPolicy(nonceCaller: Uint8Array, transact: Transact): Promise<number> {
  const kind = Uint8Array.of(TPM_SE.policy);
  const parameters = concatBytes(
    sized(nonceCaller),
    NOTHING,
    kind,
    u16be(TPM_ALG.null),
    u16be(TPM_ALG.sha256),
  );
  const handles = [TPM_RH.null, TPM_RH.null];
  const begun = await ask({ name: "startAuthSession", handles, parameters, answersHandles: 1 }, transact);
  return begun.handle;
}

async function proveEndorsementAuthorization(session: number, transact: Transact): Promise<void> {
  const parameters = concatBytes(NOTHING, NOTHING, NOTHING, u32be(0)); // no nonce, command or reference of its own, no end
  const handles = [TPM_RH.endorsement, session];
  await ask({ name: "policySecret", handles, parameters, auth: emptyPassword() }, transact);
}
