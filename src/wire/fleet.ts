/** How are guests kept, and told to an admin? */
import * as v from "valibot";
import { utf8 } from "../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../base/canonical-json.ts";
import { ANSWER, decode, encode } from "./codec.ts";
import { countField, decisionIdField, digestField, instantField, instantText, textField } from "./fields.ts";
import { type Change, type FleetPage, type Guest, IMAGE_STATES, type SeenGuest } from "./fleet-messages.ts";
import { GUEST_WORD, guestWordJson } from "./fleet-posture.ts";

const LEVEL = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const MEASUREMENT = v.pipe(v.string(), v.regex(/^[0-9a-f]{96}$/));
const ID = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

const LEVELS = v.object({
  fmc: v.exactOptional(LEVEL),
  bootloader: LEVEL,
  tee: LEVEL,
  snp: LEVEL,
  microcode: LEVEL,
});

const CHANGE = { at: instantField(), before: ID };

const GUEST = {
  id: ID,
  place: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  cameFor: textField(512),
  firstAt: instantField(),
  lastAt: instantField(),
  allowedAt: v.exactOptional(instantField()),
  decisions: countField(1),
  longestGapSeconds: countField(0),
  decision: decisionIdField(),
  outcome: v.picklist(["allow", "deny"]),
  code: v.exactOptional(textField(64)),
  policy: v.exactOptional(digestField()),
  measurement: MEASUREMENT,
  vmpl: countField(0),
  product: v.exactOptional(textField(64)),
  silicon: v.exactOptional(textField(64)),
  tcb: v.exactOptional(LEVELS),
  committedTcb: v.exactOptional(LEVELS),
  launchTcb: v.exactOptional(LEVELS),
  tcbAt: v.exactOptional(instantField()),
  firmware: v.exactOptional(textField(64)),
  chip: v.exactOptional(textField(512)),
  simulated: v.exactOptional(v.literal(true)),
  settings: v.record(textField(64), v.boolean()),
  weakened: v.record(textField(64), v.object(CHANGE)),
  drift: v.exactOptional(
    v.object({ ...CHANGE, measurement: MEASUREMENT, policy: v.exactOptional(digestField()) }),
  ),
  leaseRefused: v.exactOptional(v.object({ at: instantField(), resource: textField(512) })),
  ...GUEST_WORD,
};

const STORED_GUEST = v.object(GUEST);

const STORED = { maxBytes: 65_536, maxDepth: 8, code: "store/incompatible" } as const;

/** @throws {@link Fault} `store/incompatible` for what is no guest. */
export function decodeGuest(text: string): Guest {
  return decode(STORED_GUEST, utf8(text), STORED);
}

/** Canonical JSON. */
export function encodeGuest(guest: Guest): string {
  return canonicalJson(guestJson(guest));
}

const SEEN_GUEST = v.object({
  ...GUEST,
  image: v.object({
    state: v.picklist(IMAGE_STATES),
    label: v.exactOptional(textField(512)),
    set: v.exactOptional(textField(512)),
    endedAt: v.exactOptional(instantField()),
  }),
  would: v.exactOptional(v.object({ allow: v.boolean(), code: v.exactOptional(textField(64)) })),
});

export const FLEET_PAGE = v.object({
  guests: v.array(SEEN_GUEST),
  next: v.exactOptional(textField(128)),
  behind: countField(0),
});

/** @throws {@link Fault} `broker/unreachable`, `request/too-large`. */
export function decodeFleetPage(bytes: Uint8Array): FleetPage {
  return decode(FLEET_PAGE, bytes, ANSWER);
}

export function encodeFleetPage({ guests, next, behind }: FleetPage): string {
  return encode({ guests: guests.map(seenJson), next, behind });
}

function seenJson(guest: SeenGuest): JsonObject {
  const { endedAt, ...image } = guest.image;
  return {
    ...guestJson(guest),
    image: { ...image, endedAt: endedAt === undefined ? undefined : instantText(endedAt) },
    would: guest.would === undefined ? undefined : { ...guest.would },
  };
}

function guestJson(guest: Guest): JsonObject {
  const { firstAt, lastAt, allowedAt, tcbAt, drift, weakened, leaseRefused, ...rest } = guest;
  return {
    ...plain(rest),
    firstAt: instantText(firstAt),
    lastAt: instantText(lastAt),
    allowedAt: allowedAt === undefined ? undefined : instantText(allowedAt),
    tcbAt: tcbAt === undefined ? undefined : instantText(tcbAt),
    weakened: Object.fromEntries(
      Object.entries(weakened).map(([field, change]) => [field, changeJson(change)]),
    ),
    drift: drift === undefined ? undefined : { ...drift, ...changeJson(drift) },
    leaseRefused:
      leaseRefused === undefined ? undefined : { ...leaseRefused, at: instantText(leaseRefused.at) },
    ...guestWordJson(guest),
  };
}

/** The members of a guest alone, whatever else is known of it. */
function plain(
  guest: Omit<Guest, "firstAt" | "lastAt" | "allowedAt" | "tcbAt" | "drift" | "weakened" | "leaseRefused">,
) {
  const { id, place, cameFor, decisions, longestGapSeconds, decision, outcome, code, policy } = guest;
  const { measurement, vmpl, product, silicon, tcb, committedTcb, launchTcb } = guest;
  const { firmware, chip, simulated, settings } = guest;
  return {
    ...{ id, place, cameFor, decisions, longestGapSeconds, decision, outcome, code, policy },
    ...{ measurement, vmpl, product, silicon, tcb, committedTcb, launchTcb },
    ...{ firmware, chip, simulated, settings },
  };
}

function changeJson({ at, before }: Change) {
  return { at: instantText(at), before };
}
