/** `ostiary measure`: the launch digest that an image will have, before its first guest boots. */

import { hexOf } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { type Candidate, candidatesOf, sizeOf } from "../../measurement/candidates.ts";
import { MAX_IGVM_BYTES, parseIgvm } from "../../measurement/igvm.ts";
import { igvmDigest } from "../../measurement/igvm-launch.ts";
import { explainMismatch } from "../../measurement/mismatch.ts";
import { DIGEST_SIZE } from "../../measurement/page-update.ts";
import { noWords, parseArguments } from "../arguments.ts";
import { type Command, type ExitStatus, Misuse, type Terminal } from "../command.ts";
import { candidateLines, candidatesJson, mismatchSentence } from "../measure/answers.ts";
import type { MeasureEdges } from "../measure/edges.ts";
import { makeIdBlock, showIdBlock } from "../measure/id-block.ts";
import { readImage } from "../measure/images.ts";
import { entriesOf, refsetText } from "../measure/refset.ts";
import { hexOfSize, matrixOf } from "../measure/words.ts";

const USAGE = `ostiary measure --ovmf FILE --vcpus N [options]   launch digests of an image, one for each way to launch it
ostiary measure --igvm FILE [options]             the launch digest of an IGVM file
ostiary measure id-block [options]                make and sign an ID block, with its authentication page
ostiary measure id-show BLOCK PAGE                read both, and verify them

  --ovmf FILE             the firmware, whole
  --ovmf-hash HEX         the digest after the firmware's pages, from elsewhere: then FILE gives the rest
  --kernel FILE           what the VMM boots directly, with --initrd FILE and --append TEXT; an empty file is an empty kernel
  --vcpus N               virtual processors: 4, 1,2,4 or 1-16
  --vcpu-type NAME        EPYC-v4 (unless said), EPYC-Milan, EPYC-Genoa, … or FAMILY,MODEL,STEPPING; several by commas or repeated
  --guest-features N      SEV_FEATURES, 0x1 unless said; several by commas
  --vmm NAME              qemu (unless said), ec2, gce, svsm or krun: the newest profile of it
  --profile NAME          one profile, or several by commas: qemu, qemu-pre-6.10, ec2-2026, ec2-2023, gce, gce-52-bit, svsm, krun
  --svsm FILE             an SVSM below the firmware, with --ovmf-vars-size BYTES
  --native-zero           of an IGVM file: memory without data as AMD's zero pages
  --expect HEX            which of these, or which one or two changes, give this digest
  --writ                  a refset for review, with --owner MAIL --image NAME --image-version N.N.N, and if wished --refset NAME,
                          --module NAME, --valid 2026-12-01..2027-12-01 (a year from today unless said)
  --json                  the result as JSON

id-block: --digest HEX --family-id HEX --image-id HEX --guest-svn N --id-key FILE [--author-key FILE] [--policy 0x30000] --out NAME
writes NAME.id-block and NAME.id-auth in base64, as QEMU takes them. Keys are ECDSA P-384 in PEM.

Exit status: 0 done, or the expected digest is one of them; 1 it is not; 2 misuse; 3 a file cannot be used.`;

const OPTIONS = {
  ovmf: { type: "string" },
  "ovmf-hash": { type: "string" },
  "ovmf-vars-size": { type: "string" },
  kernel: { type: "string" },
  initrd: { type: "string" },
  append: { type: "string" },
  svsm: { type: "string" },
  igvm: { type: "string" },
  "native-zero": { type: "boolean" },
  vcpus: { type: "string" },
  "vcpu-type": { type: "string", multiple: true },
  "guest-features": { type: "string", multiple: true },
  vmm: { type: "string" },
  profile: { type: "string", multiple: true },
  expect: { type: "string" },
  writ: { type: "boolean" },
  owner: { type: "string" },
  image: { type: "string" },
  "image-version": { type: "string" },
  refset: { type: "string" },
  module: { type: "string" },
  valid: { type: "string" },
  json: { type: "boolean" },
} as const;

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>["values"];

export function createMeasureCommand(edges: MeasureEdges): Command {
  return {
    name: "measure",
    summary: "the launch digest of an image, and ID blocks, without a broker",
    usage: USAGE,
    run: async (args, terminal) => {
      const [verb, ...rest] = args;
      if (verb === "id-block") return makeIdBlock(rest, edges, terminal);
      if (verb === "id-show") return showIdBlock(rest, edges, terminal);
      const { values, positionals } = parseArguments(args, OPTIONS);
      noWords(positionals);
      return values.igvm === undefined ? image(values, edges, terminal) : igvm(values, edges, terminal);
    },
  };
}

async function image(values: Values, edges: MeasureEdges, terminal: Terminal): Promise<ExitStatus> {
  const { digest } = edges.primitives;
  const expected = expectedOf(values);
  const matrix = matrixOf({
    vcpus: values.vcpus,
    types: values["vcpu-type"] ?? [],
    features: values["guest-features"] ?? [],
    vmm: values.vmm,
    profiles: values.profile ?? [],
    hasSvsm: values.svsm !== undefined,
  });
  const read = await readImage(values, { terminal, digest });
  const candidates = withProgress(candidatesOf(read.image, matrix, digest), sizeOf(matrix), terminal);
  if (values.writ === true) {
    const sources = [`ostiary measure`, ...read.sources];
    terminal.out(refsetText(entriesOf(candidates), values, sources, edges.now()));
    return 0;
  }
  const [first, ...others] = candidates;
  if (first === undefined) throw new Misuse("expected at least one way to launch");
  const mismatch =
    expected === undefined ? undefined : explainMismatch(expected, read.image, [first, ...others], digest);
  const lines = () => (mismatch === undefined ? candidateLines(candidates) : mismatchSentence(mismatch));
  terminal.out(values.json === true ? candidatesJson(candidates, mismatch) : lines());
  return mismatch === undefined || mismatch.changes?.length === 0 ? 0 : 1;
}

/** On a terminal long work says how far it is, on one line that goes again. */
function withProgress(
  candidates: Iterable<Candidate>,
  total: number,
  terminal: Terminal,
): readonly Candidate[] {
  const all: Candidate[] = [];
  const isTold = terminal.isTty && total >= 1000;
  for (const candidate of candidates) {
    all.push(candidate);
    if (isTold && all.length % 250 === 0) terminal.err(`\r${all.length} of ${total} candidates`);
  }
  if (isTold) terminal.err("\r\u001b[K");
  return all;
}

async function igvm(values: Values, edges: MeasureEdges, terminal: Terminal): Promise<ExitStatus> {
  const { digest } = edges.primitives;
  const expected = expectedOf(values);
  if (values.ovmf !== undefined || values.kernel !== undefined || values.vcpus !== undefined) {
    throw new Misuse("expected no --ovmf, --kernel or --vcpus with --igvm: the file says all of it");
  }
  const file = await terminal.readFile(values.igvm ?? "", MAX_IGVM_BYTES);
  const zeros = values["native-zero"] === true ? "native" : "measured";
  const found = igvmDigest(parseIgvm(file), zeros, (bytes) => digest("sha384", bytes));
  if (values.writ === true) {
    const sources = ["ostiary measure", `igvm sha256:${hexOf(digest("sha256", file))}`];
    terminal.out(refsetText([{ digest: found, words: [] }], values, sources, edges.now()));
    return 0;
  }
  const isExpected = expected === undefined || hexOf(expected) === hexOf(found);
  const told = { candidates: [{ digest: hexOf(found), profile: "igvm" }] };
  const expectation = expected === undefined ? {} : { expected: { found: isExpected } };
  const line = `${hexOf(found)}  igvm${isExpected ? "" : "  NOT the expected one: another file, or --native-zero"}\n`;
  terminal.out(values.json === true ? `${canonicalJson({ ...told, ...expectation })}\n` : line);
  return isExpected ? 0 : 1;
}

function expectedOf({ expect, writ }: Values): Uint8Array | undefined {
  if (expect === undefined) return undefined;
  if (writ === true) throw new Misuse("expected --expect or --writ, not both");
  return hexOfSize(expect, DIGEST_SIZE, "--expect");
}
