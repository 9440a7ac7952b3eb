/** How is kept and told what guests said of themselves? Lists and not records: a check may have any name. */
import * as v from "valibot";
import type { JsonObject } from "../base/canonical-json.ts";
import { instantField, instantText, textField } from "./fields.ts";
import { CHECK_STATES, type CheckChange, type GuestWord } from "./fleet-messages.ts";

const ID = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const CHECKS = v.array(textField(64));
const CHANGE = { check: textField(64), at: instantField() };

/** The members of a guest that are its own word; a row from before there were any has none of them. */
export const GUEST_WORD = {
  posture: v.exactOptional(
    v.object({
      at: instantField(),
      agent: v.exactOptional(textField(32)),
      passed: CHECKS,
      warned: CHECKS,
      failed: CHECKS,
    }),
  ),
  failing: v.exactOptional(v.array(v.object({ ...CHANGE, before: v.exactOptional(ID) }))),
  worsened: v.exactOptional(v.array(v.object({ ...CHANGE, before: ID, was: v.picklist(CHECK_STATES) }))),
  postureLost: v.exactOptional(v.object({ at: instantField(), before: ID })),
};

export function guestWordJson({ posture, failing, worsened, postureLost }: GuestWord): JsonObject {
  return {
    posture: posture === undefined ? undefined : { ...posture, at: instantText(posture.at) },
    failing: failing?.map(changeJson),
    worsened: worsened?.map(changeJson),
    postureLost: postureLost === undefined ? undefined : { ...postureLost, at: instantText(postureLost.at) },
  };
}

function changeJson({ at, ...change }: CheckChange): JsonObject {
  return { ...change, at: instantText(at) };
}
