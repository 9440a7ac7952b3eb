/** How is a guest of the KBS exchange attested? Decided like `/v1/attest`, answered as a token that its consumers know. */
import { Fault } from "../../base/fault.ts";
import { type Instant, instant } from "../../base/time.ts";
import { recordFailedRelease } from "../commit.ts";
import { decideAt } from "../decide.ts";
import type { Exchange } from "../request.ts";
import type { World } from "../world.ts";
import { type KbsArrival, kbsDoor } from "./door.ts";
import { type InitData, provenInitData, type TomlReader } from "./init-data.ts";
import { issueKbsToken } from "./token.ts";

export interface KbsAttestAnswer {
  readonly token: string;
  readonly expiresAt: Instant;
}

/**
 * Decides about the resource `attest`, and keeps the token beside its session. The nonce is spent with the decision, so that a
 * session is attested once.
 *
 * @throws {@link Fault} any code of PROTOCOL section 5; `kbs/init-data`.
 */
export async function attestKbs(
  arrival: KbsArrival,
  exchange: Exchange,
  { world, readToml }: { readonly world: World; readonly readToml: TomlReader },
): Promise<KbsAttestAnswer> {
  const { primitives } = world;
  const { initData: text } = arrival.attestation;
  let initData: InitData | undefined;
  const judged = await decideAt(
    {
      door: kbsDoor(arrival, world),
      exchange,
      wanted: async (bound) => {
        if (text !== undefined) initData = provenInitData(text, bound, { readToml, primitives });
        return [{ resource: "attest", kind: "attest" }];
      },
    },
    world,
  );
  try {
    const [item] = judged.authorization.items;
    if (item === undefined) throw new Fault("internal/invariant", "an allowed decision without an item");
    const expiresAt = instant(judged.now + item.tokenTtlSeconds);
    const token = await issueKbsToken(
      { judged, item, attestation: arrival.attestation, initData, expiresAt },
      world,
    );
    await world.store.keepKbsSession({ id: arrival.session, token, until: expiresAt });
    return { token, expiresAt };
  } catch (thrown) {
    await recordFailedRelease(judged.authorization, world);
    throw thrown;
  }
}
