/** How is it said who holds which version of a secret, and how does a guest say that it holds one no longer? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, decisionIdField, instantField, instantText, secretPathField } from "./fields.ts";
import type { ConfirmAnswer, ReaderList, ReaderSummary, UseConfirmation } from "./secret-messages.ts";

const REPORT_ID = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const READER = v.object({
  version: countField(1),
  reader: v.union([REPORT_ID, v.literal("before")]),
  firstAt: instantField(),
  lastAt: instantField(),
  decision: v.exactOptional(decisionIdField()),
  confirmedAt: v.exactOptional(instantField()),
});

export const READER_LIST = v.object({
  readers: v.array(READER),
  holding: v.array(v.object({ version: countField(1), readers: countField(1) })),
});

const MAX_ALSO = 64;

export const USE_CONFIRMATION = v.strictObject({
  secret: secretPathField(),
  version: countField(1),
  also: v.exactOptional(v.pipe(v.array(REPORT_ID), v.maxLength(MAX_ALSO))),
});

export const CONFIRM_ANSWER = v.object({ replaced: v.array(countField(1)) });

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeReaderList(bytes: Uint8Array): ReaderList {
  return decode(READER_LIST, bytes, ANSWER);
}

export function encodeReaderList({ readers, holding }: ReaderList): string {
  return encode({ readers: readers.map(writtenOf), holding: holding.map((count) => ({ ...count })) });
}

function writtenOf({ firstAt, lastAt, confirmedAt, ...reader }: ReaderSummary): JsonObject {
  return {
    ...reader,
    firstAt: instantText(firstAt),
    lastAt: instantText(lastAt),
    confirmedAt: confirmedAt === undefined ? undefined : instantText(confirmedAt),
  };
}

/** @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeUseConfirmation(bytes: Uint8Array): UseConfirmation {
  return decode(USE_CONFIRMATION, bytes, REQUEST);
}

export function encodeUseConfirmation({ secret, version, also }: UseConfirmation): string {
  return encode({ secret, version, also });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeConfirmAnswer(bytes: Uint8Array): ConfirmAnswer {
  return decode(CONFIRM_ANSWER, bytes, ANSWER);
}

export function encodeConfirmAnswer({ replaced }: ConfirmAnswer): string {
  return encode({ replaced });
}
