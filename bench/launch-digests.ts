/** How long does a matrix of launch digests take? 1,000 candidates over firmware of 4 MiB, whose own part is computed once. */
import { candidatesOf, type Matrix, sizeOf } from "../src/measurement/candidates.ts";
import { parseFirmware } from "../src/measurement/firmware.ts";
import { afterFirmware } from "../src/measurement/launch.ts";
import { KNOWN_TYPES } from "../src/measurement/processor.ts";
import { PROFILES } from "../src/measurement/profiles.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import { MADE_FIRMWARE } from "../test/measurement/made-images.ts";
import { madeFirmware } from "../test/support/firmware-image.ts";

const AIM_SECONDS = 2;
const MATRIX: Matrix = {
  profiles: PROFILES.filter(({ vmm }) => vmm === "qemu" || vmm === "ec2" || vmm === "gce").slice(0, 5),
  processors: KNOWN_TYPES,
  guestFeatures: [1n, 0x21n],
  vcpus: Array.from({ length: 20 }, (_, i) => 4 * (i + 1)),
};

/** One line. The pages of the image alone are what no order of work can save. */
export function benchLaunchDigests(): string {
  const { digest } = nodePrimitives;
  const bytes = madeFirmware({ ...MADE_FIRMWARE, pages: 1024 });
  const began = performance.now();
  const firmware = parseFirmware(bytes);
  const image = { layout: firmware, afterFirmware: afterFirmware(firmware, (of) => digest("sha384", of)) };
  const alone = performance.now();
  let made = 0;
  for (const _ of candidatesOf(image, MATRIX, digest)) made += 1;
  const [firmwareMs, allMs] = [alone - began, performance.now() - began];
  return (
    `measure       ${made} of ${sizeOf(MATRIX)} launch digests over 4 MiB of firmware in ${allMs.toFixed(0)} ms (aim ${AIM_SECONDS * 1000}), ` +
    `${firmwareMs.toFixed(0)} ms of it for the firmware's own pages`
  );
}
