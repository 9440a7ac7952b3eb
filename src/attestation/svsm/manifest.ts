/** What does an SVSM say of its services? One service's manifest, or a table of all of them, as bytes that the report vouches for. */
import { hexOf } from "../../base/bytes.ts";
import { Fault } from "../../base/fault.ts";
import { Reader } from "../../base/reader.ts";

/** One service of the table. */
export interface SvsmService {
  /** In its usual form, lower-case. */
  readonly guid: string;
  readonly manifest: Uint8Array;
}

/** The one whose manifest is the public area of its endorsement key, in version 0 (AMD 58019, vTPM protocol). */
export const VTPM_SERVICE = "c476f1eb-0123-45a5-9641-b4e7dde5bfe3";

/** Begins a table of services; the manifest of a single service has no such head. */
const TABLE_GUID = "63849ebb-3d92-4670-a1ff-58f9c94b87bb";
const GUID_SIZE = 16;
const HEADER_SIZE = GUID_SIZE + 8;
const ENTRY_SIZE = GUID_SIZE + 8;
const MAX_SERVICES = 64;
const MAX_MANIFEST_BYTES = 16 * 1024;

/**
 * Reads the services of a manifest; none where it is that of a single service, which only whoever asked for that one can name.
 *
 * @param manifest - As the SVSM gave it, at most 16 KiB.
 * @throws {@link Fault} `evidence/malformed` for a table whose entries overlap, repeat a service, or lie outside of it.
 * @see Coconut SVSM, kernel/src/protocols/attest.rs; platforms.md section 1.7
 */
export function servicesOf(manifest: Uint8Array): readonly SvsmService[] {
  if (manifest.length === 0 || manifest.length > MAX_MANIFEST_BYTES) {
    throw malformed(`1 to ${MAX_MANIFEST_BYTES} bytes`);
  }
  const reader = new Reader(manifest, "evidence/malformed");
  if (manifest.length < HEADER_SIZE || guidOf(reader) !== TABLE_GUID) return [];
  if (reader.u32le() !== manifest.length) throw malformed("a table of the length that it names");
  const count = reader.u32le();
  if (count > MAX_SERVICES) throw malformed(`at most ${MAX_SERVICES} services`);
  const entries = Array.from({ length: count }, () => readEntry(reader));
  refuseRepeated(entries);
  refuseOverlaps(entries, HEADER_SIZE + count * ENTRY_SIZE, manifest.length);
  return entries.map(({ guid, at, size }) => ({ guid, manifest: manifest.slice(at, at + size) }));
}

interface Entry {
  readonly guid: string;
  readonly at: number;
  readonly size: number;
}

function readEntry(reader: Reader): Entry {
  return { guid: guidOf(reader), at: reader.u32le(), size: reader.u32le() };
}

function refuseRepeated(entries: readonly Entry[]): void {
  if (new Set(entries.map(({ guid }) => guid)).size !== entries.length) throw malformed("each service once");
}

/** Every byte after the entries belongs to one service at most. */
function refuseOverlaps(entries: readonly Entry[], from: number, to: number): void {
  let free = from;
  for (const { at, size } of [...entries].sort((a, b) => a.at - b.at)) {
    if (at < free || at + size > to)
      throw malformed("services that lie in the table and apart from each other");
    free = at + size;
  }
}

/** The first three groups are little-endian. */
function guidOf(reader: Reader): string {
  const bytes = reader.bytes(GUID_SIZE);
  const groups = [bytes.slice(0, 4).reverse(), bytes.slice(4, 6).reverse(), bytes.slice(6, 8).reverse()];
  return [...groups, bytes.slice(8, 10), bytes.slice(10)].map(hexOf).join("-");
}

function malformed(expected: string): Fault {
  return new Fault("evidence/malformed", `expected ${expected} in the SVSM's manifest`);
}
