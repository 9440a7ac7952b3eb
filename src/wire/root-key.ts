/** How do admins see the root key, and ask for the next step of wrapping anew? */
import * as v from "valibot";
import { ANSWER, decode, encode, REQUEST } from "./codec.ts";
import { countField, secretPathField, textField } from "./fields.ts";
import type { RootKeyPage, RootKeyState, SecretPlace } from "./messages.ts";

const SEAT = v.strictObject({ path: secretPathField(), version: countField(1) });

export const ROOT_KEY_STEP = v.strictObject({ after: v.exactOptional(SEAT) });

const STATE = { id: textField(255), also: v.array(textField(255)), left: countField(0) };

export const ROOT_KEY_STATE = v.object(STATE);

export const ROOT_KEY_PAGE = v.union([
  v.object({ rewrapped: countField(0), next: SEAT }),
  v.object({ ...STATE, rewrapped: countField(0) }),
]);

/** Reads where to go on. @throws {@link Fault} `request/malformed`, `request/too-large`. */
export function decodeRootKeyStep(bytes: Uint8Array): SecretPlace | undefined {
  return decode(ROOT_KEY_STEP, bytes, REQUEST).after;
}

export function encodeRootKeyStep(after: SecretPlace | undefined): string {
  return encode({ after: after === undefined ? undefined : { ...after } });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeRootKeyState(bytes: Uint8Array): RootKeyState {
  return decode(ROOT_KEY_STATE, bytes, ANSWER);
}

export function encodeRootKeyState({ id, also, left }: RootKeyState): string {
  return encode({ id, also: [...also], left });
}

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeRootKeyPage(bytes: Uint8Array): RootKeyPage {
  return decode(ROOT_KEY_PAGE, bytes, ANSWER);
}

export function encodeRootKeyPage(page: RootKeyPage): string {
  if (page.next !== undefined) return encode({ rewrapped: page.rewrapped, next: { ...page.next } });
  const { id, also, left, rewrapped } = page;
  return encode({ id, also: [...also], left, rewrapped });
}
