/** What is said of a log that was verified, or of a part of one? As text, or as JSON. */
import { hexOf } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import type { VerifiedExport } from "../ledger/export.ts";
import { type Held, type VerifiedExtract, verifyExtract } from "../ledger/extract.ts";
import { type NoteKey, verifierKeyOf } from "../ledger/note.ts";
import type { LedgerEdges } from "./ledger-source.ts";

type Edges = Pick<LedgerEdges, "primitives">;

export function jsonOf(verified: VerifiedExport, trusted: NoteKey | undefined, edges: Edges): string {
  return `${canonicalJson(factsOf(verified, trusted, edges))}\n`;
}

export function textOf(verified: VerifiedExport, trusted: NoteKey | undefined, edges: Edges): string {
  const { checkpoint } = verified;
  const first = `verified: ${checkpoint.size} entries of ${checkpoint.origin}, none cut out, none changed`;
  return `${[first, ...rowsOf(verified, edges)].join("\n")}\n${cautionFor(trusted)}`;
}

/** Who verifies a part, and what of the log that they have. */
interface Auditor {
  readonly trusted: NoteKey | undefined;
  readonly held: Held | undefined;
  readonly isJson: boolean;
}

/** Verifies a part of a log. @throws {@link Fault} as `verifyExtract`. */
export async function verdictOnExtract(
  lines: AsyncIterable<Uint8Array>,
  { trusted, held, isJson }: Auditor,
  edges: Edges,
): Promise<string> {
  const verified = await verifyExtract(lines, { trusted, held }, edges.primitives);
  const { from, to, since } = verified;
  if (isJson) {
    const facts = { ...factsOf(verified, trusted, edges), from, to, since: since ?? null };
    return `${canonicalJson(facts)}\n`;
  }
  return `${[...placeOf(verified), ...rowsOf(verified, edges)].join("\n")}\n${cautionFor(trusted)}`;
}

function placeOf({ from, to, since, checkpoint: { origin, size } }: VerifiedExtract): readonly string[] {
  return [
    `verified: entries ${from} to ${to - 1} of ${origin}, none cut out, none changed, under a head of ${size}`,
    since === undefined
      ? "  continues       nothing that was held: say what with --since"
      : `  continues       the head of ${since} entries that was held`,
  ];
}

function factsOf({ checkpoint, counts, key }: VerifiedExport, trusted: NoteKey | undefined, edges: Edges) {
  return {
    verified: true,
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: hexOf(checkpoint.root),
    key: verifierKeyOf(key, edges.primitives.digest),
    keyFrom: trusted === undefined ? "export" : "argument",
    entries: { ...counts },
  };
}

function rowsOf({ checkpoint, counts, key }: VerifiedExport, { primitives }: Edges): readonly string[] {
  return [
    `  decisions       ${counts.allowed} allowed, ${counts.denied} denied`,
    `  release-failed  ${counts.releaseFailed}`,
    `  admin           ${counts.admin}`,
    `  epoch           ${counts.epoch}`,
    `  root            ${hexOf(checkpoint.root)}`,
    `  key             ${verifierKeyOf(key, primitives.digest)}`,
  ];
}

function cautionFor(trusted: NoteKey | undefined): string {
  if (trusted !== undefined) return "";
  return "\nThe key was taken from the export itself. Compare it with the one that `ostiary ledger head` printed, or give that one with --key.\n";
}
