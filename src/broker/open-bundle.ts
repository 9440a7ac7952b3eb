/** Who signed a bundle, or the order to activate it? Admins of a roster with the role for it; then sources are compiled. */
import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Admin, Role } from "../policy/admins.ts";
import { type Bundle, loadBundle } from "../policy/bundle.ts";
import type { Roster } from "../policy/roster.ts";
import { BUNDLE_TYPE, openDsse } from "../policy/signatures.ts";
import { ACTIVATION_TYPE, type ActivationStatement, parseActivation } from "../policy/statements.ts";

/** Opens an order to activate: signed by an admin who may. */
export async function openActivation(
  envelope: string,
  roster: Roster,
  primitives: Primitives,
): Promise<ActivationStatement> {
  const keys = holdersOf(roster, "operator", "author");
  return parseActivation(
    (await openDsse(envelope, { payloadType: ACTIVATION_TYPE, keys }, primitives)).payload,
  );
}

/** The admins who have one of the roles. */
export function holdersOf({ admins }: Pick<Roster, "admins">, ...roles: readonly Role[]): readonly Admin[] {
  return admins.filter((admin) => roles.some((role) => admin.roles.includes(role)));
}

/** Opens a signed bundle: an author's signature over exactly this tar, then recompiled from source. */
export async function openBundle(
  tar: Uint8Array,
  signature: string,
  expected: { readonly digest?: string; readonly roster: Roster; readonly primitives: Primitives },
): Promise<OpenedBundle> {
  const { roster, primitives } = expected;
  const envelope = { payloadType: BUNDLE_TYPE, payload: tar };
  await openDsse(signature, { ...envelope, keys: holdersOf(roster, "author") }, primitives);
  const { signedBy } = await openDsse(signature, { ...envelope, keys: roster.admins }, primitives);
  const signers = roster.admins.filter(({ kid }) => signedBy.includes(kid));
  return { bundle: bundleOf(tar, expected.digest, primitives), signers };
}

/** A bundle, and everybody who signed it, whatever their roles. */
export interface OpenedBundle {
  readonly bundle: Bundle;
  readonly signers: readonly Admin[];
}

/** The same of an archive that is known by its digest, whoever signed it. @throws {@link Fault} `policy/bad-signature`, `policy/malformed`. */
export function bundleOf(tar: Uint8Array, digest: string | undefined, primitives: Primitives): Bundle {
  const bundle = loadBundle(tar, primitives.digest);
  if (digest !== undefined && bundle.digest !== digest) {
    throw new Fault("policy/bad-signature", "the stored bundle is not the one that was activated", {
      expected: digest,
      received: bundle.digest,
    });
  }
  return bundle;
}
