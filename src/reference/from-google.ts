/** Which measurements has a firmware of Google's? All that its launch endorsement names, for a set of one's own. */
import type { GoogleFirmware } from "../attestation/gcp/endorsement.ts";
import { hexOf } from "../base/bytes.ts";
import type { Carried, CarriedEntry } from "./carried.ts";

/** Its MEASUREMENT for each number of VMSAs, and that of the SVSM that starts it. */
export function carryGoogle({
  svn,
  uefiDigest,
  measurements,
  svsmMeasurement,
  policy,
}: GoogleFirmware): Carried {
  const name = `google ${hexOf(uefiDigest.subarray(0, 6))} svn ${svn}`;
  const entries: readonly CarriedEntry[] = [
    ...[...measurements].map(([vcpus, value]) => ({
      label: `${name} / ${vcpus} vcpu`,
      value: hexOf(value),
      ...(vcpus > 0 && vcpus <= 0xffff ? { vcpus } : {}),
    })),
    ...(svsmMeasurement === undefined ? [] : [{ label: `${name} / svsm`, value: hexOf(svsmMeasurement) }]),
  ];
  const unique = entries.filter(({ value }, at) => entries.findIndex((one) => one.value === value) === at);
  return {
    sets: unique.length === 0 ? [] : [{ field: "measurement", suffix: "", entries: unique }],
    floors: [],
    conditions: [],
    notes: [
      `that this is firmware svn ${svn}: a report does not show it (GUEST_SVN is the ID block's)`,
      ...(policy === 0n
        ? []
        : [
            `the guest policy 0x${policy.toString(16)}: write the bits that matter as conditions on \`guest\``,
          ]),
    ],
  };
}
