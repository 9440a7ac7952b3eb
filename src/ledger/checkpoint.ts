/** What is the signed head of a log? A C2SP tlog-checkpoint: origin, size and root, in a signed note. */
import { base64Of, parseBase64 } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { Primitives, Signer } from "../base/primitives.ts";
import { openNote, signNote } from "./note.ts";

export interface Checkpoint {
  /** Which log: the audience without its scheme, which is also the name of its key. */
  readonly origin: string;
  readonly size: number;
  /** The tree's root, 32 bytes. */
  readonly root: Uint8Array;
}

const ROOT_SIZE = 32;
const TEXT = /^(?<origin>[^\n]+)\n(?<size>0|[1-9][0-9]{0,15})\n(?<root>[A-Za-z0-9+/]{43}=)\n$/;

/** The origin of an audience's log. @throws {@link Fault} `config/invalid` for an audience that names none. */
export function originOf(audience: string): string {
  const origin = /^[a-z][a-z0-9.+-]*:\/\/(?<rest>[^\s+]+)$/u.exec(audience)?.groups?.["rest"];
  if (origin === undefined) {
    throw new Fault("config/invalid", "expected an audience with a scheme, without space or plus", {
      audience,
    });
  }
  return origin;
}

/** Signs a head. The note is ASCII text. @throws {@link Fault} `internal/invariant` for a root or size that no tree has. */
export async function signCheckpoint(
  checkpoint: Checkpoint,
  signer: Signer,
  primitives: Pick<Primitives, "digest">,
): Promise<string> {
  const { origin, size, root } = checkpoint;
  if (!Number.isSafeInteger(size) || size < 0 || root.length !== ROOT_SIZE) {
    throw new Fault("internal/invariant", "a checkpoint has a size and a root of 32 bytes");
  }
  const text = `${origin}\n${size}\n${base64Of(root)}\n`;
  return signNote(text, origin, { signer, digest: primitives.digest });
}

/**
 * Opens a head that this log's key must have signed. Extension lines, of which we write none, are refused.
 *
 * @throws {@link Fault} `ledger/inconsistent` for another origin or signature, `ledger/malformed` for what is no checkpoint.
 */
export async function openCheckpoint(
  note: string,
  of: { readonly origin: string; readonly spki: Uint8Array },
  primitives: Primitives,
): Promise<Checkpoint> {
  const text = await openNote(note, { name: of.origin, spki: of.spki }, primitives);
  const groups = TEXT.exec(text)?.groups;
  const root = parseBase64(groups?.["root"] ?? "");
  const size = Number(groups?.["size"]);
  if (root?.length !== ROOT_SIZE || !Number.isSafeInteger(size)) {
    throw new Fault("ledger/malformed", "expected a checkpoint of origin, size and root");
  }
  if (groups?.["origin"] !== of.origin) {
    throw new Fault("ledger/inconsistent", "expected the checkpoint of another log", { expected: of.origin });
  }
  return { origin: of.origin, size, root };
}
