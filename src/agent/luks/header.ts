/** Which of a disk's two LUKS2 headers counts, and what are the bytes of one that was judged? */
import { canonicalJsonBytes } from "../../base/canonical-json.ts";
import { Fault, isFault } from "../../base/fault.ts";
import {
  BINARY_HEADER_BYTES,
  type BinaryHeader,
  binaryHeaderBytes,
  type Digest,
  type HeaderKind,
  parseBinaryHeader,
} from "./binary-header.ts";
import { type Metadata, parseMetadata } from "./metadata.ts";

/** A header that holds: every field known, checked and kept. Whether it is ours, the marker says. */
export interface LuksHeader extends BinaryHeader {
  readonly metadata: Metadata;
}

/**
 * Judges both headers of a disk and gives the one that counts.
 *
 * A power cut between the two writes leaves one that is older or broken, as cryptsetup itself does: then the other counts. Where
 * both hold, are of one age and say different things, none does.
 *
 * @param both - The first bytes of the disk: primary and secondary header with their JSON areas, each `size` long.
 * @throws {@link Fault} `disk/bad-header`: what is wrong with the primary one, where none holds.
 */
export function parseHeaders(both: Uint8Array, size: number, digest: Digest): LuksHeader {
  const primary = parsed(both.slice(0, size), "primary", digest);
  const secondary = parsed(both.slice(size, 2 * size), "secondary", digest);
  if (isFault(primary)) {
    if (isFault(secondary)) throw primary;
    return secondary;
  }
  if (isFault(secondary) || secondary.seqid < primary.seqid) return primary;
  if (secondary.seqid > primary.seqid) return secondary;
  if (meaningOf(primary) !== meaningOf(secondary)) {
    throw new Fault("disk/bad-header", "expected both LUKS2 headers of one age to say the same");
  }
  return primary;
}

function parsed(area: Uint8Array, kind: HeaderKind, digest: Digest): LuksHeader | Fault {
  try {
    const binary = parseBinaryHeader(area, kind, digest);
    return { ...binary, metadata: parseMetadata(area.slice(BINARY_HEADER_BYTES), binary.size) };
  } catch (thrown) {
    if (isFault(thrown)) return thrown;
    throw thrown;
  }
}

function meaningOf({ label, subsystem, uuid, metadata }: LuksHeader): string {
  return [label, subsystem, uuid, String(canonicalJsonBytes(metadata))].join("\0");
}

/** The bytes of one of the two headers, made anew from what was judged. */
export function headerBytes(header: LuksHeader, kind: HeaderKind, { digest }: Digest): Uint8Array {
  return binaryHeaderBytes(header, kind, { json: canonicalJsonBytes(header.metadata), digest });
}
