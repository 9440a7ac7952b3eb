/** How does an attested guest of the KBS exchange get a secret? By its session or its token: decided and recorded, then sealed to the key in the report. */
import { Fault } from "../../base/fault.ts";
import { type KbsJwe, sealKbsJwe } from "../../channel/kbs-jwe.ts";
import { kbsKeyOf } from "../../channel/kbs-key.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { authorizeHeld } from "../authorize-held.ts";
import { type Authorization, recordFailedRelease } from "../commit.ts";
import { evidenceInForce } from "../evidence-term.ts";
import { decisionBehind } from "../held-decision.ts";
import type { Exchange } from "../request.ts";
import { unwrapFor } from "../unwrap.ts";
import type { World } from "../world.ts";
import type { KbsHolder } from "./holder.ts";

/** What is asked for, and by whom. */
export interface KbsResourceRequest {
  /** In normal form: the one path that policy sees and the store reads. */
  readonly path: string;
  readonly holder: KbsHolder;
  readonly exchange: Exchange;
}

/**
 * One secret, from a token to a sealed answer. A decision of its own, over the evidence that the token was issued for.
 *
 * @throws {@link Fault} `token/invalid`, `token/wants-evidence`; `policy/denied`, `policy/needs-approval`, `obligation/exhausted`,
 *   `secret/absent`; `store/unavailable`, `kek/unavailable`.
 */
export async function releaseKbsResource(request: KbsResourceRequest, world: World): Promise<KbsJwe> {
  const { path, holder, exchange } = request;
  const { teePubkey } = holder;
  const key = await kbsKeyOf(teePubkey, world.primitives);
  const held = await decisionBehind(holder, world);
  if (held.entry.binding !== 0) throw new Fault("token/invalid", "expected a token of the KBS exchange");
  await evidenceInForce(holder, held, world);
  exchange.step?.("appraise");
  const wanted = [{ kind: "secret", resource: path, version: undefined }] as const;
  const authorization = await authorizeHeld({ held, holder, suite: 0, wanted, exchange }, world);
  return sealed(authorization, key, { exchange, world });
}

/** Plaintext lives between `unwrapFor` and `finally`, in one array, in this function. */
async function sealed(
  authorization: Authorization,
  key: Awaited<ReturnType<typeof kbsKeyOf>>,
  { exchange: { step }, world }: { readonly exchange: Exchange; readonly world: World },
): Promise<KbsJwe> {
  try {
    const [item] = authorization.items;
    if (item === undefined) throw new Fault("internal/invariant", "an allowed decision without an item");
    step?.("unwrap");
    const plaintext = await unwrapFor(authorization, item, world);
    try {
      step?.("seal");
      return await sealKbsJwe({ key, plaintext, random: world.random }, world.primitives);
    } finally {
      zeroize(plaintext);
    }
  } catch (thrown) {
    await recordFailedRelease(authorization, world);
    throw thrown;
  }
}
