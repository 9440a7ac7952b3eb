/** How are launch digests told? As lines or JSON, and against one that was expected. */
import { hexOf } from "../../base/bytes.ts";
import { canonicalJson, type JsonObject } from "../../base/canonical-json.ts";
import type { Candidate } from "../../measurement/candidates.ts";
import type { Mismatch } from "../../measurement/mismatch.ts";
import { tableOf } from "../table.ts";

/** One line each; a profile that nobody compared with hardware says so. */
export function candidateLines(candidates: readonly Candidate[]): string {
  const rows = candidates.map((one) => [
    hexOf(one.digest),
    one.profile.name,
    `${one.vcpus} vcpu`,
    one.processor.name,
    `0x${one.guestFeatures.toString(16)}`,
    one.profile.isConfirmed ? "" : "not compared with hardware",
  ]);
  return tableOf(rows);
}

/** The JSON of PRODUCT section 2. */
export function candidatesJson(candidates: readonly Candidate[], mismatch?: Mismatch): string {
  return `${canonicalJson({
    candidates: candidates.map(candidateJson),
    ...(mismatch === undefined ? {} : { expected: mismatchJson(mismatch) }),
  })}\n`;
}

function candidateJson(one: Candidate): JsonObject {
  return {
    digest: hexOf(one.digest),
    profile: one.profile.name,
    vcpus: one.vcpus,
    vcpuType: one.processor.name,
    guestFeatures: Number(one.guestFeatures),
    confirmed: one.profile.isConfirmed,
  };
}

function mismatchJson({ changes, from, tried }: Mismatch): JsonObject {
  return {
    found: changes !== undefined,
    changes: (changes ?? []).map(({ parameter, to }) => ({ parameter, to })),
    from: candidateJson(from),
    tried,
  };
}

/** What an expected digest is, in words. */
export function mismatchSentence({ changes, from, tried }: Mismatch): string {
  const told = `${from.profile.name}, ${from.vcpus} vcpu, ${from.processor.name}, features 0x${from.guestFeatures.toString(16)}`;
  if (changes === undefined) {
    return (
      `NOT FOUND  none of ${tried} ways to launch this image gives the expected digest\n` +
      `  tried: ${told}, and every one or two changes of profile, processors, model, features and boot\n` +
      "  what is left: other firmware, kernel, initrd or command line, or a VMM that is not known here\n"
    );
  }
  if (changes.length === 0) return `FOUND  ${told}\n`;
  const lines = changes.map(({ parameter, to }) => `  ${parameter}: ${to}\n`).join("");
  return `OTHER  the expected digest is that of this image with ${changes.length === 1 ? "one change" : "two changes"}, from ${told}\n${lines}`;
}
