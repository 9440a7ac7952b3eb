/** How does nobody on the bus between read along or answer in the TPM's place? By sessions salted to a key of the TPM (Part 1, section 19). */
import { createCipheriv, createDecipheriv, createECDH } from "node:crypto";
import {
  answerReader,
  ask,
  malformed,
  readSized,
  sized,
  type TpmAnswer,
  type TpmCommand,
} from "../../attestation/tpm/command.ts";
import { flushed } from "../../attestation/tpm/flush.ts";
import { kdfa, kdfe } from "../../attestation/tpm/kdf.ts";
import type { Transact, WithTpm } from "../../attestation/tpm/transact.ts";
import { SESSION, TPM_ALG, TPM_CC, TPM_RH, TPM_SE } from "../../attestation/tpm/words.ts";
import { concatBytes, equalBytes, u16be, u32be } from "../../base/bytes.ts";
import type { Primitives } from "../../base/primitives.ts";
import { zeroize } from "../../keys/zeroize.ts";
import type { Primary } from "./primary.ts";

/** What sessions need of the platform. */
export interface SessionParts extends Pick<Primitives, "hmac" | "digest"> {
  readonly random: (size: number) => Uint8Array;
}

/** What opening a TPM and speaking with it in sessions needs. */
export interface TpmParts extends SessionParts {
  readonly withTpm: WithTpm;
}

/** A command of a session. */
export interface SessionCommand extends Omit<TpmCommand, "auth"> {
  /** What the TPM calls each handle: part of what is authenticated. */
  readonly names: readonly Uint8Array[];
  /** Whether the first parameter of the command, or of its answer, is encrypted. */
  readonly hides?: "command" | "answer";
}

export interface TpmSession {
  readonly handle: number;
  /** @throws {@link Fault} `tpm/malformed` for an answer that the TPM of this session did not give; as {@link ask}. */
  readonly ask: (command: SessionCommand) => Promise<TpmAnswer>;
}

const HASH_SIZE = 32;
const KEY_BYTES = 16;
const MOST_NONCE = 64;

/**
 * Begins a session for as long as `work` takes, its secret sent to the TPM under its own key.
 *
 * INVARIANT: what the salt is made to is the public key that the caller trusts, and no other that is read off the bus for it.
 */
export async function withSession<T>(
  of: { readonly kind: keyof typeof TPM_SE; readonly primary: Primary; readonly tpm: Transact },
  parts: SessionParts,
  work: (session: TpmSession) => Promise<T>,
): Promise<T> {
  const { kind, primary, tpm } = of;
  const nonceCaller = parts.random(HASH_SIZE);
  const { salt, encrypted } = saltFor(primary.point, parts);
  const symmetric = concatBytes(u16be(TPM_ALG.aes), u16be(8 * KEY_BYTES), u16be(TPM_ALG.cfb));
  const parameters = concatBytes(
    sized(nonceCaller),
    sized(encrypted),
    Uint8Array.of(TPM_SE[kind]),
    symmetric,
    u16be(TPM_ALG.sha256),
  );
  const handles = [primary.handle, TPM_RH.null];
  const begun = await ask({ name: "startAuthSession", handles, parameters, answersHandles: 1 }, tpm);
  return flushed(begun.handle, tpm, async () => {
    const reader = answerReader(begun.parameters);
    const nonceTpm = nonceIn(readSized(reader));
    reader.end();
    const key = kdfa(
      salt,
      { label: "ATH", contextU: nonceTpm, contextV: nonceCaller, bits: 8 * HASH_SIZE },
      parts,
    );
    zeroize(salt);
    return work(sessionOf(begun.handle, { key, nonceTpm, tpm }, parts)).finally(() => zeroize(key));
  });
}

interface State {
  readonly key: Uint8Array;
  readonly nonceTpm: Uint8Array;
  readonly tpm: Transact;
}

function sessionOf(handle: number, state: State, parts: SessionParts): TpmSession {
  let { nonceTpm } = state;
  return {
    handle,
    ask: async (command) => {
      const outgoing = { handle, key: state.key, nonceCaller: parts.random(HASH_SIZE), nonceTpm };
      const sent = authorized(command, outgoing, parts);
      const answer = await ask(sent.command, state.tpm);
      const proven = provenBy(answer, { ...outgoing, command, attributes: sent.attributes }, parts);
      nonceTpm = proven.nonceTpm;
      return { ...answer, parameters: proven.parameters };
    },
  };
}

interface Outgoing {
  readonly handle: number;
  readonly key: Uint8Array;
  readonly nonceCaller: Uint8Array;
  readonly nonceTpm: Uint8Array;
}

function authorized(
  command: SessionCommand,
  { handle, key, nonceCaller, nonceTpm }: Outgoing,
  parts: SessionParts,
) {
  const { names, hides, ...plain } = command;
  const attributes =
    SESSION.continue | (hides === undefined ? 0 : hides === "command" ? SESSION.decrypt : SESSION.encrypt);
  const way = { key, newer: nonceCaller, older: nonceTpm };
  const parameters = hides === "command" ? firstHidden(command.parameters, way, parts) : command.parameters;
  const hash = parts.digest("sha256", concatBytes(u32be(TPM_CC[command.name]), ...names, parameters));
  const mac = parts.hmac("sha256", key, concatBytes(hash, nonceCaller, nonceTpm, Uint8Array.of(attributes)));
  const auth = concatBytes(u32be(handle), sized(nonceCaller), Uint8Array.of(attributes), sized(mac));
  return { command: { ...plain, parameters, auth }, attributes };
}

/** INVARIANT: no parameter of an answer is looked at before its HMAC was. */
function provenBy(
  answer: TpmAnswer,
  of: Outgoing & { readonly command: SessionCommand; readonly attributes: number },
  parts: SessionParts,
): { readonly nonceTpm: Uint8Array; readonly parameters: Uint8Array } {
  const reader = answerReader(answer.auth);
  const nonceTpm = nonceIn(readSized(reader));
  const attributes = reader.bytes(1);
  const mac = readSized(reader);
  reader.end();
  const hash = parts.digest(
    "sha256",
    concatBytes(u32be(0), u32be(TPM_CC[of.command.name]), answer.parameters),
  );
  const expected = parts.hmac("sha256", of.key, concatBytes(hash, nonceTpm, of.nonceCaller, attributes));
  if (!equalBytes(mac, expected) || attributes[0] !== of.attributes) {
    throw malformed("expected an answer of the TPM that the session was begun with, its HMAC is another's");
  }
  if (of.command.hides !== "answer") return { nonceTpm, parameters: answer.parameters };
  const way = { key: of.key, newer: nonceTpm, older: of.nonceCaller };
  return { nonceTpm, parameters: firstShown(answer.parameters, way, parts) };
}

function nonceIn(nonce: Uint8Array): Uint8Array {
  if (nonce.length >= KEY_BYTES && nonce.length <= MOST_NONCE) return nonce;
  throw malformed("expected a nonce of the TPM's of 16 to 64 bytes");
}

// ── secrets on the way ──────────────────────────────────────────────────────────────────────────────────────────────

/** A fresh P-256 key agrees with the TPM's; KDFe makes the salt of it (Part 1, annex C.6.1). */
function saltFor(point: Primary["point"], parts: SessionParts) {
  const ephemeral = createECDH("prime256v1");
  const own = new Uint8Array(ephemeral.generateKeys());
  const x = own.slice(1, 33);
  const shared = new Uint8Array(ephemeral.computeSecret(concatBytes(Uint8Array.of(4), point.x, point.y)));
  const salt = kdfe(shared, { label: "SECRET", contextU: x, contextV: point.x, bits: 8 * HASH_SIZE }, parts);
  zeroize(shared);
  return { salt, encrypted: concatBytes(sized(x), sized(own.slice(33))) };
}

interface Way {
  readonly key: Uint8Array;
  readonly newer: Uint8Array;
  readonly older: Uint8Array;
}

function firstHidden(parameters: Uint8Array, way: Way, parts: SessionParts): Uint8Array {
  return firstThrough(parameters, way, parts, (key, iv) => createCipheriv("aes-128-cfb", key, iv));
}

function firstShown(parameters: Uint8Array, way: Way, parts: SessionParts): Uint8Array {
  return firstThrough(parameters, way, parts, (key, iv) => createDecipheriv("aes-128-cfb", key, iv));
}

/** AES-128-CFB over the content of the first TPM2B; its size stays readable. */
function firstThrough(
  parameters: Uint8Array,
  { key, newer, older }: Way,
  parts: SessionParts,
  cipherOf: (key: Uint8Array, iv: Uint8Array) => { readonly update: (bytes: Uint8Array) => Uint8Array },
): Uint8Array {
  const reader = answerReader(parameters);
  const first = readSized(reader);
  const of = { label: "CFB", contextU: newer, contextV: older, bits: 16 * KEY_BYTES };
  const both = kdfa(key, of, parts);
  const cipher = cipherOf(both.slice(0, KEY_BYTES), both.slice(KEY_BYTES));
  zeroize(both);
  const through = sized(new Uint8Array(cipher.update(first)));
  return concatBytes(through, reader.bytes(reader.left));
}
