/** What launch digest has a guest of this image? Firmware, its sections, then one save area per processor. */

import { Fault } from "../base/fault.ts";
import type { Primitives } from "../base/primitives.ts";
import type { Firmware, FirmwareLayout, Section } from "./firmware.ts";
import { type DirectBoot, hashTableOf, hashTablePage } from "./hash-table.ts";
import { afterBarePages, afterImage, afterPage, firstDigest, type Sha384 } from "./page-update.ts";
import type { ProcessorType } from "./processor.ts";
import type { Profile } from "./profiles.ts";
import { RESET_VECTOR, resetVmsa, svsmVmsa } from "./vmsa.ts";

/** An image and what it is booted with; the same for every candidate. */
export interface Image {
  readonly layout: FirmwareLayout;
  /** The digest after the pages of the image; computed once, or known from elsewhere. */
  readonly afterFirmware: Uint8Array;
  /** Where an SVSM lies, where the VM has one below its firmware. */
  readonly svsmGpa?: bigint;
  readonly boot?: DirectBoot;
}

/** One way to launch an image. */
export interface Launch {
  readonly profile: Profile;
  readonly processor: ProcessorType;
  readonly guestFeatures: bigint;
}

/** The launch digests of one way to launch, by number of processors, each made from the one before. */
export type Series = (vcpus: number) => Uint8Array;

/** The digest after the pages of firmware alone, which seeds every candidate. */
export function afterFirmware(
  firmware: Pick<Firmware, "bytes" | "gpa">,
  sha384: Sha384,
  before = firstDigest(),
): Uint8Array {
  return afterImage(before, firmware.bytes, firmware.gpa, sha384);
}

/**
 * Prepares the digests of one way to launch.
 *
 * @throws {@link Fault} `measurement/no-hash-table` for a kernel where the firmware measures none; `measurement/bad-firmware` where it
 *   does not say where processors begin.
 */
export function seriesOf(image: Image, launch: Launch, digest: Primitives["digest"]): Series {
  const sha384: Sha384 = (bytes) => digest("sha384", bytes);
  const { vmsaGpa } = launch.profile;
  const pages = savePages(image, launch);
  const contents = { first: sha384(pages.first), other: sha384(pages.other) };
  const digests = [afterSections(image, launch.profile, digest)];
  return (vcpus) => {
    for (let made = digests.length; made <= vcpus; made += 1) {
      const page = made === 1 ? contents.first : contents.other;
      const before = digests[made - 1] ?? firstDigest();
      digests.push(afterPage(before, { type: "vmsa", gpa: vmsaGpa, contents: page }, sha384));
    }
    return digests[vcpus] ?? firstDigest();
  };
}

/** The save areas of the first processor and of all others. */
export function savePages(
  { layout, svsmGpa }: Pick<Image, "layout" | "svsmGpa">,
  { profile, processor, guestFeatures }: Launch,
): { readonly first: Uint8Array; readonly other: Uint8Array } {
  const { signature } = processor;
  if (svsmGpa !== undefined) {
    if (layout.svsmEntry === undefined) throw missing("where the SVSM begins");
    const eip = Number(svsmGpa) + layout.svsmEntry;
    const page = svsmVmsa(profile.state, { eip, isFirst: true, signature, guestFeatures });
    return { first: page, other: page };
  }
  if (layout.resetEip === undefined) throw missing("where application processors begin");
  const shared = { signature, guestFeatures };
  return {
    first: resetVmsa(profile.state, { ...shared, eip: RESET_VECTOR, isFirst: true }),
    other: resetVmsa(profile.state, { ...shared, eip: layout.resetEip, isFirst: false }),
  };
}

function afterSections(image: Image, profile: Profile, digest: Primitives["digest"]): Uint8Array {
  const sha384: Sha384 = (bytes) => digest("sha384", bytes);
  const { sections } = image.layout;
  const hashes = hashesPage(image, digest);
  const early = sections.filter(({ type }) => !(profile.isCpuidLast && type === "cpuid"));
  const late = sections.filter(({ type }) => profile.isCpuidLast && type === "cpuid");
  let newest = image.afterFirmware;
  for (const section of [...early, ...late]) newest = afterSection(newest, section, profile, hashes, sha384);
  return newest;
}

function afterSection(
  before: Uint8Array,
  { type, gpa, size }: Section,
  profile: Profile,
  hashes: Uint8Array | undefined,
  sha384: Sha384,
): Uint8Array {
  switch (type) {
    case "sec-mem":
      return afterBarePages(before, { type: profile.secMem, gpa, size }, sha384);
    case "secrets":
    case "cpuid":
      return afterBarePages(before, { type, gpa, size }, sha384);
    case "svsm-caa":
      return afterBarePages(before, { type: "zero", gpa, size }, sha384);
    case "kernel-hashes":
      if (hashes === undefined) return afterBarePages(before, { type: "zero", gpa, size }, sha384);
      return afterImage(before, hashes, gpa, sha384);
  }
}

/** The page with the hashes of what is booted; `undefined` where the firmware finds what it boots by itself. */
function hashesPage({ layout, boot }: Image, digest: Primitives["digest"]): Uint8Array | undefined {
  if (boot === undefined) return undefined;
  const [section] = layout.sections.filter(({ type }) => type === "kernel-hashes");
  if (section === undefined || layout.hashTableGpa === undefined) {
    throw new Fault(
      "measurement/no-hash-table",
      "expected firmware with a table for the hash of a kernel; this one starts any kernel, and no digest would name it",
    );
  }
  const table = hashTableOf(boot, (bytes) => digest("sha256", bytes));
  return hashTablePage(table, layout.hashTableGpa, section);
}

function missing(what: string): Fault {
  return new Fault("measurement/bad-firmware", `expected the firmware to say ${what}`);
}
