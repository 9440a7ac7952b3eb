/** How is the reach of a policy shown to people? */
import { formatInstant } from "../base/time.ts";
import type { Granting, PathReach, Reach } from "../policy/reach.ts";
import type { SeenGuest } from "../wire/fleet-messages.ts";
import { tableOf } from "./table.ts";

/** @param what - The rest of the sentence: `have prod/db`, or `have anything with this image`. */
export function reachLines(what: string, { isReachable, granting, guards }: Reach): readonly string[] {
  if (isReachable === "no") return [`nothing in the live policy lets anybody ${what}\n`];
  const head =
    isReachable === "yes"
      ? `the live policy can let somebody ${what}:\n`
      : `the policy is too large to tell for sure; these may let somebody ${what}:\n`;
  const besides = guards.length === 0 ? [] : [`besides, these guards have to hold: ${guards.join(", ")}\n`];
  return [head, ...granting.map(grantingText), ...besides];
}

function grantingText({ module, policy, at, resources, requires, allows, denies }: Granting): string {
  return tableOf([
    ["", `${module}/${policy}`, `(${at})`],
    ["", "  gives", resources.join(", ")],
    ...requires.map((text) => ["", "  asks", text]),
    ...allows.map((text) => ["", "  and one of", text]),
    ...denies.map((text) => ["", "  but not", text]),
  ]);
}

export function imageLines({ images, byOthers, isReachable }: PathReach): readonly string[] {
  if (isReachable === "no") return [];
  const listed = images.map(({ label, set, value }) => ["", label, `in ${set}`, value.slice(0, 12)]);
  const others = {
    yes: ["ANY OTHER image can have it, too: no clause asks for one\n"],
    no: [],
    "not-decided": ["whether another image can have it is not decided\n"],
  }[byOthers];
  return [...(listed.length === 0 ? [] : ["with one of these images:\n", tableOf(listed)]), ...others];
}

export function guestLines(guests: readonly SeenGuest[]): readonly string[] {
  if (guests.length === 0) return ["no guest that came is one of them\n"];
  const rows = guests.map(({ id, image, measurement, lastAt, cameFor }) => [
    "",
    id.slice(0, 12),
    image.label ?? measurement.slice(0, 12),
    cameFor,
    formatInstant(lastAt),
  ]);
  return [`guests that came and are among them: ${guests.length}\n`, tableOf(rows)];
}
