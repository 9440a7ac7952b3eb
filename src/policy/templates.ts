/** What does `platform P` add, and what is denied everywhere? Writ text of ours (WRIT sections 2.1 and 7.1), shown by `show --expanded`. */
import type { Platform } from "../writ/vocabulary.ts";

const OWN_CHIP = `require endorsement.kind == vcek
require vmpl == 0
`;

/** Without `else` on purpose: the author's own sentence is the one that a guest may read. */
export const PLATFORMS: readonly Platform[] = [
  {
    name: "bare-metal",
    text: `require evidence.format == raw\n${OWN_CHIP}`,
    reminder:
      "a report does not say whether kernel, initrd and command line were measured; use kernel hashes or an ID block",
  },
  {
    name: "azure",
    text: `require evidence.format == azure-hcl\n${OWN_CHIP}`,
    ordinary: new Map([["evidence.format", "azure-hcl"]]),
  },
  {
    name: "svsm",
    text: `require evidence.format == svsm\n${OWN_CHIP}`,
    ordinary: new Map([["evidence.format", "svsm"]]),
  },
  {
    name: "gcp",
    text: `require evidence.format == raw\n${OWN_CHIP}`,
    ordinary: new Map([["guest.migrate_ma", true]]),
  },
  {
    name: "aws",
    text: `require evidence.format == raw
require endorsement.kind == vlek
require has endorsement.csp and endorsement.csp == "aws"
require vmpl in 0 .. 1
`,
    ordinary: new Map([
      ["endorsement.kind", "vlek"],
      ["endorsement.csp", "aws"],
      ["endorsement.csp_id", "CN=cc-us-east-1.amazonaws.com"],
    ]),
  },
  {
    name: "aws-dedicated",
    text: `require evidence.format == raw
require endorsement.kind == vcek
require vmpl in 0 .. 1
`,
  },
];

/** Bits that this version of the vocabulary cannot name may mean anything, so they release nothing. */
export const BUILT_IN_GUARDS = `guard ostiary.default "Bits that nobody here can read" {
  for resource "**"

  deny "unknown guest policy bits" when guest.unknown_bits
  deny "unknown platform bits" when host.unknown_bits
}
`;
