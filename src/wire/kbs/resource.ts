/** Which secret does a KBS resource name? Repository, type and tag, as one path: the one that policy sees and the store reads. */
import * as v from "valibot";
import { Fault } from "../../base/fault.ts";
import { isSecretPath } from "../resource-path.ts";

/** What an admin sends, of which nothing is read by a schema. */
export const KBS_UPLOAD = v.unknown();

/** Three segments, of which none begins with a dot. */
const RESOURCE = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/){2}[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/**
 * The path of a resource. Nothing is decoded, and nothing left out: it is one as it was sent, or none.
 *
 * @throws {@link Fault} `kbs/bad-path`.
 */
export function kbsResourcePath(sent: string): string {
  if (sent.length <= MAX_LENGTH && RESOURCE.test(sent) && isSecretPath(sent)) return sent;
  throw new Fault("kbs/bad-path", "expected repository/type/tag, each of letters, digits, `_`, `-` and `.`");
}

/** What is longer is no path, and is not looked through. */
const MAX_LENGTH = 512;
