/** How are guests shown to people? */
import { formatInstant } from "../base/time.ts";
import type { Levels, SeenGuest } from "../wire/fleet-messages.ts";
import { tableOf } from "./table.ts";

export const guestHead: readonly string[] = [
  "GUEST",
  "CAME FOR",
  "IMAGE",
  "SILICON",
  "TCB",
  "CHIP",
  "LAST SEEN",
  "OUTCOME",
];

/** One line. */
export function guestRow(guest: SeenGuest): readonly string[] {
  return [
    guest.id.slice(0, 12),
    guest.cameFor,
    imageText(guest),
    guest.silicon ?? guest.product ?? "-",
    levelsText(guest.tcb),
    guest.chip?.slice(0, 12) ?? "masked",
    formatInstant(guest.lastAt),
    outcomeText(guest),
  ];
}

function imageText({ image, measurement }: SeenGuest): string {
  const name = image.label ?? measurement.slice(0, 12);
  return image.state === "listed" ? name : `${name} (${image.state})`;
}

function outcomeText({ outcome, code }: SeenGuest): string {
  return code === undefined ? outcome : `${outcome}: ${code}`;
}

function levelsText(levels: Levels | undefined): string {
  if (levels === undefined) return "-";
  const { fmc, bootloader, tee, snp, microcode } = levels;
  return [...(fmc === undefined ? [] : [fmc]), bootloader, tee, snp, microcode].join(".");
}

/** One guest in full. */
export function guestText(guest: SeenGuest): string {
  const { drift, leaseRefused, allowedAt } = guest;
  return tableOf([
    ["guest", `${guest.id}${guest.simulated === true ? " (simulated)" : ""}`],
    ["place", guest.place],
    ["came for", guest.cameFor],
    ["image", imageText(guest)],
    ["  measurement", guest.measurement],
    ["  listed in", guest.image.set ?? "no reference set"],
    ["chip", guest.chip ?? "masked"],
    ["silicon", guest.silicon ?? guest.product ?? "not known"],
    ["firmware", guest.firmware ?? "not known"],
    ["TCB", levelsText(guest.tcb)],
    ["  committed", levelsText(guest.committedTcb)],
    ["  at its launch", levelsText(guest.launchTcb)],
    ["VMPL", String(guest.vmpl)],
    ["first seen", formatInstant(guest.firstAt)],
    ["last seen", formatInstant(guest.lastAt)],
    ["let in last", allowedAt === undefined ? "never" : formatInstant(allowedAt)],
    ["decisions", `${guest.decisions}, at most ${guest.longestGapSeconds} s apart`],
    ["outcome", outcomeText(guest)],
    ["decision", guest.decision],
    ["policy", guest.policy ?? "none was live"],
    ...Object.entries(guest.settings).map(([field, value]) => [
      `  ${field}`,
      settingText(guest, field, value),
    ]),
    ...(drift === undefined
      ? []
      : [
          ["image changed", `${formatInstant(drift.at)}, from ${drift.measurement} at guest ${drift.before}`],
        ]),
    ...(leaseRefused === undefined
      ? []
      : [["lease refused", `${formatInstant(leaseRefused.at)}, of ${leaseRefused.resource}`]]),
    ...wordRows(guest),
  ]);
}

/** What the guest says of itself, and says so: nobody else vouches for it. */
function wordRows({ posture, failing = [], worsened = [], postureLost }: SeenGuest): readonly string[][] {
  const said =
    posture === undefined
      ? "nothing"
      : `${posture.passed.length} checks pass, ${posture.warned.length} warn, ${posture.failed.length} fail, at ${formatInstant(posture.at)}`;
  return [
    ["says of itself", said],
    ...(posture?.warned ?? []).map((check) => [`  ${check}`, "warns"]),
    ...failing.map(({ check, at }) => [`  ${check}`, `fails since ${formatInstant(at)}`]),
    ...worsened.map(({ check, was, at, before }) => [
      `  ${check}`,
      `worse since ${formatInstant(at)}: ${was} at guest ${before}`,
    ]),
    ...(postureLost === undefined
      ? []
      : [["  silent", `since ${formatInstant(postureLost.at)}, not so at guest ${postureLost.before}`]]),
  ];
}

function settingText({ weakened }: SeenGuest, field: string, value: boolean): string {
  const change = Object.hasOwn(weakened, field) ? weakened[field] : undefined;
  if (change === undefined) return String(value);
  return `${value}, weaker since ${formatInstant(change.at)} than at guest ${change.before}`;
}
