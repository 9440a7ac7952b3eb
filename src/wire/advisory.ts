/** How does an edition of the advisory data come in, and how is it told? As the envelope that was signed, with who signed it. */
import * as v from "valibot";
import { type Advisory, advisoryIn } from "../policy/advisory.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { digestField, instantField, instantText, textField } from "./fields.ts";
import { MAX_BODY_BYTES } from "./limits.ts";

/** A DSSE envelope as JSON text; `policy/advisory.ts` opens it. */
export const ADVISORY_IMPORT = v.strictObject({
  statement: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_BODY_BYTES)),
});

export const ADVISORY_VIEW = v.object({
  /** The envelope. */
  statement: v.pipe(v.string(), v.maxLength(MAX_BODY_BYTES)),
  digest: digestField(),
  signedBy: v.array(textField(128)),
  importedAt: instantField(),
  importedBy: textField(128),
});

export interface AdvisoryView extends Omit<v.InferOutput<typeof ADVISORY_VIEW>, "signedBy"> {
  readonly signedBy: readonly string[];
  readonly advisory: Advisory;
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeAdvisoryImport(bytes: Uint8Array): string {
  return decode(ADVISORY_IMPORT, bytes, REQUEST).statement;
}

export function encodeAdvisoryImport(statement: string): string {
  return encode({ statement });
}

/** The signatures were the broker's to look at. @throws {@link Fault} `broker/unreachable`, `request/too-large`, `advisory/…`. */
export function decodeAdvisoryView(bytes: Uint8Array): AdvisoryView {
  const view = decode(ADVISORY_VIEW, bytes, ANSWER);
  return { ...view, advisory: advisoryIn(view.statement) };
}

export function encodeAdvisoryView(view: Omit<AdvisoryView, "advisory">): string {
  const { statement, digest, signedBy, importedAt, importedBy } = view;
  return encode({
    statement,
    digest,
    signedBy: [...signedBy],
    importedAt: instantText(importedAt),
    importedBy,
  });
}
