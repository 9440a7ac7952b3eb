/** Which fields of a policy are a guest's own word? What it says of itself inside the claims that its report signs. */
import type { Absence, Field } from "../writ/vocabulary.ts";
import { LOCKDOWNS } from "./guest-posture.ts";

const WITHOUT_POSTURE: Absence = {
  where: "absent unless the guest sends a posture",
  whom: "every guest that sends no posture",
};
const WITHOUT_SUCH: Absence = {
  where: "absent unless the guest sends a posture with such a check",
  whom: "every guest that says so of no check",
};
const UNSEEN: Absence = {
  where: "absent unless the guest sends it in a posture",
  whom: "every guest that does not say it",
};

/** All of them begin with `posture.`: the lints know them by that. */
export const POSTURE_FIELDS: readonly Field[] = [
  {
    name: "posture.age",
    type: { kind: "duration" },
    absence: WITHOUT_POSTURE,
    doc: "Since the broker was shown the guest's word on itself: 0 where it came with this request. All of `posture` is said by the guest alone, and is as true as the image that is pinned beside it.",
  },
  {
    name: "posture.passed",
    type: { kind: "set" },
    absence: WITHOUT_SUCH,
    doc: "Checks that the guest says it passes, by the names of `agent doctor`.",
  },
  {
    name: "posture.warned",
    type: { kind: "set" },
    absence: WITHOUT_SUCH,
    doc: "Checks that warn there.",
  },
  {
    name: "posture.failed",
    type: { kind: "set" },
    absence: WITHOUT_SUCH,
    doc: "Checks that fail there.",
  },
  {
    name: "posture.warnings",
    type: { kind: "uint", bits: 8 },
    absence: WITHOUT_POSTURE,
    doc: "How many warn.",
  },
  {
    name: "posture.failures",
    type: { kind: "uint", bits: 8 },
    absence: WITHOUT_POSTURE,
    doc: "How many fail.",
  },
  {
    name: "posture.agent",
    type: { kind: "version" },
    absence: UNSEEN,
    doc: "Version of the agent that looked.",
  },
  {
    name: "posture.kernel",
    type: { kind: "version" },
    absence: UNSEEN,
    doc: "Version of the guest's kernel.",
  },
  {
    name: "posture.kernel_release",
    type: { kind: "str" },
    absence: UNSEEN,
    doc: "The kernel's release as it stands.",
  },
  {
    name: "posture.lockdown",
    type: { kind: "enum", values: LOCKDOWNS },
    absence: UNSEEN,
    doc: "What the guest's kernel keeps from its own root.",
  },
  {
    name: "posture.secure_boot",
    type: { kind: "flag" },
    absence: UNSEEN,
    doc: "Secure boot by the guest's firmware variables, not by a quote: `vtpm.secure_boot` is that.",
  },
  {
    name: "posture.verity",
    type: { kind: "flag" },
    absence: UNSEEN,
    doc: "Some disk is checked by dm-verity.",
  },
  { name: "posture.ima", type: { kind: "flag" }, absence: UNSEEN, doc: "IMA has measured files." },
  {
    name: "posture.smt",
    type: { kind: "flag" },
    absence: UNSEEN,
    doc: "The guest sees threads that share a core.",
  },
  {
    name: "posture.uptime",
    type: { kind: "duration" },
    absence: UNSEEN,
    doc: "Since the guest's kernel started.",
  },
];
