/** How is the inventory of credentials told to an admin? */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import type { Instant } from "../base/time.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import { CREDENTIAL_KINDS, type Credential } from "./credential-messages.ts";
import { countField, instantField, instantText, textField } from "./fields.ts";

const MOMENT = v.exactOptional(instantField());

const CREDENTIAL = v.object({
  name: textField(512),
  kind: v.picklist(CREDENTIAL_KINDS),
  fingerprint: textField(256),
  keyFingerprint: v.exactOptional(textField(64)),
  owner: v.pipe(v.string(), v.maxLength(256)),
  notBefore: MOMENT,
  notAfter: MOMENT,
  algorithm: textField(128),
  bits: v.exactOptional(countField(0)),
  signedWith: v.exactOptional(textField(128)),
  scope: textField(1000),
  excess: v.exactOptional(textField(1000)),
  neededBy: v.array(textField(512)),
  firstUsedAt: MOMENT,
  lastUsedAt: MOMENT,
  since: MOMENT,
  obtainedAt: MOMENT,
  breaks: textField(1000),
  drill: v.exactOptional(textField(64)),
});

export const CREDENTIAL_PAGE = v.object({
  credentials: v.array(CREDENTIAL),
  next: v.exactOptional(textField(512)),
});

export interface CredentialPage {
  /** In order of name. */
  readonly credentials: readonly Credential[];
  /** The name after which the next page begins, if there is one. */
  readonly next?: string;
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeCredentialPage(bytes: Uint8Array): CredentialPage {
  return decode(CREDENTIAL_PAGE, bytes, ANSWER);
}

export function encodeCredentialPage({ credentials, next }: CredentialPage): string {
  return encode({ credentials: credentials.map(written), next });
}

function written(credential: Credential): JsonObject {
  const { notBefore, notAfter, firstUsedAt, lastUsedAt, since, obtainedAt, ...rest } = credential;
  return {
    ...rest,
    notBefore: textOf(notBefore),
    notAfter: textOf(notAfter),
    firstUsedAt: textOf(firstUsedAt),
    lastUsedAt: textOf(lastUsedAt),
    since: textOf(since),
    obtainedAt: textOf(obtainedAt),
  };
}

function textOf(at: Instant | undefined): string | undefined {
  return at === undefined ? undefined : instantText(at);
}
