/** How does each suite number of PROTOCOL section 1 seal? */
import { parseHex } from "../base/bytes.ts";
import type { Suite } from "./bindings.ts";
import { DHKEM_X25519 } from "./dhkem.ts";
import type { HpkeSuite } from "./hpke.ts";
import { hpkeWrap } from "./hpke-wrap.ts";
import { JWE_P256 } from "./jwe.ts";
import type { Wrap } from "./wrap.ts";
import { X_WING } from "./x-wing.ts";

const AES_256_GCM = { aeadId: 0x0002, aeadKeySize: 32 } as const;

function pinned(hex: string): Uint8Array {
  return parseHex(hex) ?? new Uint8Array(0);
}

/** Suite 1, `hpke-x25519`. */
export const HPKE_X25519: HpkeSuite = {
  kem: DHKEM_X25519,
  ...AES_256_GCM,
  pskIdHash: pinned("4ce5472ecdd5093ba0aecb8f871ff13f1fbc90ee76f0e18ace1a1b7e565bafa3"),
};

/** Suite 2, `hpke-xwing`. */
export const HPKE_XWING: HpkeSuite = {
  kem: X_WING,
  ...AES_256_GCM,
  pskIdHash: pinned("bcc3fca55d6d276085e2eab4b5565d370fca95069ee7bebb0a197b2556a5839f"),
};

/** The suites that a broker of this version can seal by; its configuration says which of them it does. */
export const OFFERED_SUITES = [1, 2, 3] as const;

export type OfferedSuite = (typeof OFFERED_SUITES)[number];

const WRAPS: Readonly<Record<OfferedSuite, Wrap>> = {
  1: hpkeWrap(HPKE_X25519),
  2: hpkeWrap(HPKE_XWING),
  3: JWE_P256,
};

/** Whether this version can seal by that suite: 0 seals nothing. */
export function isOfferedSuite(suite: Suite): suite is OfferedSuite {
  return OFFERED_SUITES.some((offered) => offered === suite);
}

/** The way to seal of a number. */
export function wrapOf(suite: OfferedSuite): Wrap {
  return WRAPS[suite];
}
