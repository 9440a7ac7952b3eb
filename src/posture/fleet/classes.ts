/** Which classes of findings are about guests, how soon should one end, and which guard would have stopped it? */

const HOUR = 3600;
const DAY = 86_400;

export const FLEET_CLASSES = {
  "image-drift": {
    targetSeconds: DAY,
    instead:
      "require the measurement to be one of a reference set, so that each change of an image is a change of the policy",
  },
  "image-unlisted": {
    targetSeconds: DAY,
    instead:
      "require the measurement to be one of a reference set in every policy: `ostiary writ lint` finds those that do not",
  },
  "image-retiring": {
    targetSeconds: 14 * DAY,
    instead: "give a retiring reference value a last day, so that it ends by itself",
  },
  "guest-weakened": {
    targetSeconds: DAY,
    guard: {
      require: "not guest.debug and not guest.migrate_ma",
      reason: "the guest may be debugged or migrated",
    },
  },
  "posture-failing": {
    targetSeconds: 7 * DAY,
    guard: {
      require: "has posture.failures and posture.failures == 0",
      reason: "a check of the guest's own fails",
    },
  },
  "posture-worsened": {
    targetSeconds: DAY,
    instead:
      "have the image make these settings and nobody else, under dm-verity or in its initramfs, so that no machine changes them later",
  },
  "posture-missing": {
    targetSeconds: DAY,
    guard: { require: "has posture.age", reason: "the guest says nothing of itself" },
  },
  "tcb-debt": {
    targetSeconds: 30 * DAY,
    instead:
      "have the bulletin's floor bind by itself when its grace is over (`ostiary tcb plan --bulletin`), and update hosts in the order that it says",
  },
  "advisory-old": {
    targetSeconds: 14 * DAY,
    instead: "look at AMD's bulletins on a set day, and import the next edition of the advisory then",
  },
  "advisory-altered": {
    targetSeconds: DAY,
    instead: "find out who wrote to the database, and have operators of now sign the advisory again",
  },
  "guest-silent": {
    targetSeconds: DAY,
    instead: "no policy sees who does not come: watch the machines themselves",
  },
  "lease-contended": {
    targetSeconds: 4 * HOUR,
    instead:
      "the lease refuses the second guest already: keep the orchestrator from starting one machine twice",
  },
} as const;

export type FleetClass = keyof typeof FLEET_CLASSES;
