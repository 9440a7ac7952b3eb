/** Which certificates did the host put beside the report? The GHCB certificate table: transport only, nothing in it is trusted. */
import { hexOf, isZero } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";

/** PROTOCOL section 11: eight certificates of 8 KiB; a CRL may stand beside them. */
const MAX_ENTRIES = 16;
const MAX_CERTIFICATE_BYTES = 8192;
/** What is neither: the kernel gives a guest 16 KiB for the whole table (`SEV_FW_BLOB_MAX_SIZE`). */
const MAX_CONTENT_BYTES = 16_384;
const MAX_TABLE_BYTES = 131_072;
const ENTRY_SIZE = 24;

/** GUIDs in textual order (RFC 4122), as they stand in the table. An entry of another GUID is passed over. */
const CONTENT_OF_GUID: Readonly<Record<string, Content>> = {
  "63da758de6644564adc5f4b93be8accd": "certificate", // VCEK
  a8074bc2a25a483eaae639c045a0b8a1: "certificate", // VLEK
  "4ab7b379bbac4fe4a02f05aef327c782": "certificate", // ASK, and ASVK, which has no GUID of its own
  c0b406a4a803495297433fb6014cd0ae: "certificate", // ARK: never an anchor
  "92f81bc358114d3d97ffd19f88dc67ea": "crl",
  "9f4116cdc5034f5a8f6ffb68882f4ce2": "launch endorsement", // Google's, of its firmware
};

type Content = "certificate" | "crl" | "launch endorsement";

export interface CertTable {
  readonly certificates: readonly Uint8Array[];
  readonly crls: readonly Uint8Array[];
  /** What Google's host says of the firmware; at most one, since a GUID stands once. */
  readonly launchEndorsement?: Uint8Array;
}

interface Entry {
  readonly guid: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a certificate table, copying what is in it: entries of GUID (16), offset (u32 LE, from the table's start), length (u32 LE), ended by a zero entry.
 *
 * @param bytes - The table as the host gave it, attacker-controlled. Zero bytes after the last content are the host's padding.
 * @throws {@link Fault} `evidence/malformed` without a terminator, for a range outside the table or over its header, a GUID
 *   twice, overlapping contents, or anything beyond the caps.
 */
export function parseCertTable(bytes: Uint8Array): CertTable {
  if (bytes.length > MAX_TABLE_BYTES)
    throw malformed(`at most ${MAX_TABLE_BYTES} bytes of certificate table`);
  const entries = entriesOf(bytes);
  const headerSize = (entries.length + 1) * ENTRY_SIZE;
  refuseBadRanges(entries, headerSize, bytes.length);
  const contentOf = (kind: Content): readonly Uint8Array[] =>
    entries
      .filter(({ guid }) => CONTENT_OF_GUID[guid] === kind)
      .map(({ offset, length }) => bytes.slice(offset, offset + length));
  const [launchEndorsement] = contentOf("launch endorsement");
  return {
    certificates: contentOf("certificate"),
    crls: contentOf("crl"),
    ...(launchEndorsement === undefined ? {} : { launchEndorsement }),
  };
}

function entriesOf(bytes: Uint8Array): readonly Entry[] {
  const reader = new Reader(bytes.subarray(0, (MAX_ENTRIES + 1) * ENTRY_SIZE), "evidence/malformed");
  const entries: Entry[] = [];
  for (;;) {
    const guid = reader.bytes(16);
    const offset = reader.u32le();
    const length = reader.u32le();
    if (isZero(guid) && offset === 0 && length === 0) return entries;
    entries.push({ guid: hexOf(guid), offset, length });
    if (entries.length > MAX_ENTRIES) throw malformed(`at most ${MAX_ENTRIES} entries and a terminator`);
  }
}

/** Offsets and lengths are below 2^32 and sums below 2^33, exact in a number: nothing wraps. */
function refuseBadRanges(entries: readonly Entry[], headerSize: number, tableSize: number): void {
  if (new Set(entries.map(({ guid }) => guid)).size !== entries.length) throw malformed("each GUID once");
  let end = headerSize;
  for (const { guid, offset, length } of [...entries].sort((a, b) => a.offset - b.offset)) {
    if (offset < end) throw malformed("contents after the header and apart from each other");
    if (offset + length > tableSize) throw malformed("contents within the table");
    const most = ["certificate", "crl"].includes(CONTENT_OF_GUID[guid] ?? "")
      ? MAX_CERTIFICATE_BYTES
      : MAX_CONTENT_BYTES;
    if (length > most) throw malformed(`at most ${most} bytes in such an entry`);
    end = offset + length;
  }
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `certificate table: expected ${expected}`);
}
