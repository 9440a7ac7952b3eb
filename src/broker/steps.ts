/** Which steps has a release? The names under which each is timed; where one begins, the one before it has ended. */

export const STEPS = [
  "nonce",
  "parse",
  "endorse",
  "verify",
  "bind",
  "appraise",
  "commit",
  "unwrap",
  "seal",
  "sign",
] as const;

export type Step = (typeof STEPS)[number];
