/** What launch digest has a guest that is started from an IGVM file? */
import { equalBytes, hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import type { IgvmLaunch, IgvmPage, IgvmStep } from "./igvm.ts";
import { afterBarePages, afterImage, afterPage, firstDigest, PAGE_SIZE, type Sha384 } from "./page-update.ts";

/** How memory without data is put into a guest: as pages of zeros, or as AMD's own zero pages, which is what Google does. */
export type ZeroPages = "measured" | "native";

/** 16 GiB: more would be a file that wants to keep us busy. */
const MAX_PAGES = 4 * 1024 * 1024;

/**
 * The launch digest of a file.
 *
 * @throws {@link Fault} `measurement/bad-igvm` for more memory than a guest is prepared with; `measurement/other-launch` where the ID block
 *   in the file is signed for another digest, since no guest would start.
 */
export function igvmDigest(
  { steps, idBlockDigest }: IgvmLaunch,
  zeros: ZeroPages,
  sha384: Sha384,
): Uint8Array {
  refuseEndless(steps);
  const zeroPage = zeros === "native" ? undefined : sha384(new Uint8Array(PAGE_SIZE));
  let digest = firstDigest();
  for (const step of steps) digest = afterStep(digest, step, zeroPage, sha384);
  if (idBlockDigest !== undefined && !equalBytes(idBlockDigest, digest)) {
    throw new Fault("measurement/other-launch", "expected the ID block in the file to be for this launch", {
      computed: hexOf(digest),
      signed: hexOf(idBlockDigest),
    });
  }
  return digest;
}

function afterStep(
  before: Uint8Array,
  step: IgvmStep,
  zeroPage: Uint8Array | undefined,
  sha384: Sha384,
): Uint8Array {
  const { type, gpa, data } = step;
  if (type === "vmsa") return afterPage(before, { type, gpa, contents: sha384(data) }, sha384);
  if (type !== "normal") return afterBarePages(before, { type, gpa, size: step.size }, sha384);
  if (data !== undefined) return afterImage(before, data, gpa, sha384);
  return afterZeros(before, step, zeroPage, sha384);
}

function afterZeros(
  before: Uint8Array,
  { gpa, size }: IgvmPage,
  zeroPage: Uint8Array | undefined,
  sha384: Sha384,
): Uint8Array {
  if (zeroPage === undefined) return afterBarePages(before, { type: "zero", gpa, size }, sha384);
  let digest = before;
  for (let at = 0; at < size; at += PAGE_SIZE) {
    digest = afterPage(digest, { type: "normal", gpa: gpa + BigInt(at), contents: zeroPage }, sha384);
  }
  return digest;
}

function refuseEndless(steps: IgvmLaunch["steps"]): void {
  let pages = 0;
  for (const step of steps) pages += step.type === "vmsa" ? 1 : step.size / PAGE_SIZE;
  if (pages > MAX_PAGES) {
    throw new Fault(
      "measurement/bad-igvm",
      `expected at most ${MAX_PAGES} pages to prepare, received ${pages}`,
    );
  }
}
