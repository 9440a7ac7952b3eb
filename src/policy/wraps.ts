/** What is each suite called in a policy, and on a command line? A name for each of PROTOCOL section 7; the KBS exchange has none. */
export const WRAP_OF_SUITE = { 0: undefined, 1: "hpke-x25519", 2: "hpke-xwing", 3: "jwe-p256" } as const;
