/** What does a guest ask for, by the names that policy knows? Paths of secrets, and `token/NAME` of registered audiences. */
import { Fault } from "../base/fault.ts";
import type { TransitOperation } from "../keys/transit-type.ts";
import type { Claims } from "./request.ts";
import type { TokenAudience } from "./token-store.ts";
import type { World } from "./world.ts";

/** One resource asked for; `version` only where the guest named one. */
export type Wanted =
  | { readonly kind: "secret"; readonly resource: string; readonly version: number | undefined }
  | { readonly kind: "token"; readonly resource: string; readonly audience: TokenAudience }
  | { readonly kind: "attest"; readonly resource: "attest" }
  /** Of a transit key. */
  | { readonly kind: "use"; readonly resource: string; readonly operation: TransitOperation }
  /** The next version, from a guest; `cas` is the newest one that it expects, 0 for a new path, where it expects any. */
  | {
      readonly kind: "write";
      readonly resource: string;
      readonly cas: number | undefined;
    };

/** Whether a use begins with a ciphertext, of which a guest is told that it does not open, and no more. */
export function isOpening(wanted: Wanted): boolean {
  return wanted.kind === "use" && (wanted.operation === "decrypt" || wanted.operation === "rewrap");
}

/**
 * What can be told from the request alone: something is wanted, each path once, and a token has a key to be bound to.
 *
 * @throws {@link Fault} `request/malformed`.
 */
export function refuseUnusable({ want, cnf }: Pick<Claims, "want" | "cnf">): void {
  refuseRepeated(want);
  if (want.some((item) => "token" in item) && cnf === undefined) {
    throw new Fault("request/malformed", "expected the guest's key in `claims.cnf`, since a token is wanted");
  }
}

/** @throws {@link Fault} `request/malformed` for nothing, or a path twice. */
export function refuseRepeated(want: Claims["want"]): void {
  if (want.length === 0) throw new Fault("request/malformed", "expected at least one wanted item");
  const paths = want.flatMap((item) => ("secret" in item ? [item.secret] : []));
  if (new Set(paths).size !== paths.length) {
    throw new Fault("request/malformed", "expected each resource once");
  }
}

/**
 * The resources, once the evidence is proven: which audiences are registered is no stranger's business.
 *
 * @throws {@link Fault} `audience/unregistered`; with `partial` too, since what has no name cannot be recorded as refused.
 */
export async function wantedOf({ want }: Pick<Claims, "want">, world: World): Promise<readonly Wanted[]> {
  return Promise.all(
    want.map(async (item): Promise<Wanted> => {
      if ("secret" in item) return { kind: "secret", resource: item.secret, version: item.version };
      const audience = await world.store.audienceOf(item.token.aud);
      if (audience === undefined) {
        throw new Fault("audience/unregistered", "expected an audience that is registered with this broker");
      }
      return { kind: "token", resource: `token/${audience.name}`, audience };
    }),
  );
}
