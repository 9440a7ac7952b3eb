/** When is a secret in the clear? Once a decision about it is durable, and from here on, in the hands of whoever seals it. */
import { Fault } from "../base/fault.ts";
import { derivedKey, seatOf } from "../keys/derivation.ts";
import { openEnvelope } from "../keys/envelope.ts";
import { zeroize } from "../keys/zeroize.ts";
import type { Authorization, AuthorizedItem } from "./commit.ts";
import type { World } from "./world.ts";

/**
 * Takes an authorization and nothing less: the type says that the decision is durable. From the commit on the version has a
 * reader, so that nobody destroys it unawares; whoever destroyed or disabled it before is seen here.
 */
export async function unwrapFor(
  authorization: Authorization,
  item: AuthorizedItem,
  { kek, store, primitives }: Pick<World, "kek" | "store" | "primitives">,
): Promise<Uint8Array> {
  if (!authorization.items.includes(item) || item.stored === undefined) {
    throw new Fault("internal/invariant", "expected an item of this authorization that is a stored secret");
  }
  const { path, version, kind } = item.stored;
  const { given } = item;
  if (kind === "transit" || given.kind === "kept" || given.kind === "used") {
    throw new Fault("internal/invariant", "a transit key is used here, and sealed to nobody");
  }
  if (given.kind === "written") throw new Fault("internal/invariant", "what is written is sealed to nobody");
  const now = await store.secretVersion(path, version);
  if (now?.state !== "enabled") {
    throw new Fault("secret/disabled", `version ${version} of \`${path}\` left service meanwhile`);
  }
  // By the kind and recipe that were decided on: rows that say otherwise now do not open.
  const plaintext = await openEnvelope({ ...seatOf(item.stored), envelope: now.envelope }, kek);
  if (given.kind === "bytes" && kind !== "derived") return plaintext;
  try {
    if (given.kind === "derived") return derivedKey(plaintext, given, primitives);
    throw new Fault("internal/invariant", "expected a root to be derived from, never to be given itself");
  } finally {
    zeroize(plaintext);
  }
}
