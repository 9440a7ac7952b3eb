/** How is a secret sealed for a broker on a machine that the broker is not reached from? To a key that its signature vouches for. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Instant } from "../base/time.ts";
import { importKeyInput, sealImport } from "../channel/import-seal.ts";
import type { SealedSecret, SignedImportKey } from "../wire/import-messages.ts";

export interface SealPlan {
  /** As it came; nothing in it is believed before its signature was verified. */
  readonly key: SignedImportKey;
  /** The broker that whoever seals means: its identity, and its signing key as DER SubjectPublicKeyInfo. */
  readonly broker: { readonly audience: string; readonly signingKey: Uint8Array };
  readonly path: string;
  readonly use: SealedSecret["use"];
  /** DER SubjectPublicKeyInfo of a pair, whose `plaintext` is PKCS#8 DER; empty for everything else. */
  readonly publicKey: Uint8Array;
  /** Stays with the caller, who overwrites it. */
  readonly plaintext: Uint8Array;
}

/**
 * Seals a secret for one path and one use.
 *
 * @throws {@link Fault} `broker/other-audience`, `broker/other-key` for a key of somebody else's; `secret/import-key` for one that has expired.
 */
export async function sealSecret(
  plan: SealPlan,
  parts: {
    readonly now: Instant;
    readonly random: (size: number) => Uint8Array;
    readonly primitives: Primitives;
  },
): Promise<SealedSecret> {
  const { key, broker, path, use, publicKey, plaintext } = plan;
  const { random, primitives, now } = parts;
  if (key.audience !== broker.audience) {
    throw new Fault("broker/other-audience", `expected an import key of ${broker.audience}`);
  }
  const input = importKeyInput(key);
  if (!(await primitives.verify("ecdsa-p256-sha256", broker.signingKey, input, key.signature))) {
    throw new Fault("broker/other-key", "expected an import key that the pinned signing key has signed");
  }
  if (key.expiresAt <= now) throw new Fault("secret/import-key", "expected an import key that is still good");
  const place = { path, use, publicKey };
  const { enc, ct } = await sealImport({ key, place, plaintext }, random, primitives);
  return { key: key.id, use, publicKey, enc, ct };
}
