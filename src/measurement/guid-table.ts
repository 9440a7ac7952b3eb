/** What does a firmware image say about itself? The table of GUIDs at its end, read backwards (edk2, OvmfPkg/ResetVector). */
import { hexOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { Reader } from "../base/reader.ts";

/** The table ends this many bytes before the image does. */
const BEHIND_TABLE = 32;
/** Size (u16) and GUID behind each entry's data. */
const TRAILER_SIZE = 18;
/** GUID 96b582de-1fb2-45f7-baea-a366c55a082d as it lies in memory: its first three groups little-endian. */
const FOOTER_GUID = "de82b596b21ff745baeaa366c55a082d";
/** More entries than any firmware has. */
const MAX_ENTRIES = 64;

/**
 * The data of each entry by its GUID, in hex as it lies in memory.
 *
 * @param image - A whole image, attacker-controlled; nothing outside the table is looked at.
 * @throws {@link Fault} `measurement/bad-firmware` without a table, for a size outside of it, or a GUID that stands twice.
 */
export function guidTableOf(image: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const end = image.length - BEHIND_TABLE;
  const footer = entryEndingAt(image, end, 0);
  if (footer.guid !== FOOTER_GUID) throw malformed("expected the table of GUIDs 32 bytes before the end");
  const start = end - footer.size;
  const entries = new Map<string, Uint8Array>();
  let at = end - TRAILER_SIZE;
  while (at > start) {
    const { guid, size } = entryEndingAt(image, at, start);
    if (entries.has(guid)) throw malformed(`expected the GUID ${guid} once`);
    if (entries.size === MAX_ENTRIES) throw malformed(`expected at most ${MAX_ENTRIES} entries`);
    entries.set(guid, image.slice(at - size, at - TRAILER_SIZE));
    at -= size;
  }
  return entries;
}

/** The entry whose trailer ends at `end`; the whole of it lies behind `start`. */
function entryEndingAt(
  image: Uint8Array,
  end: number,
  start: number,
): { readonly guid: string; readonly size: number } {
  const from = end - TRAILER_SIZE;
  if (from < start) throw malformed("expected room for an entry of the table of GUIDs");
  const size = new Reader(image.subarray(from, end), "measurement/bad-firmware").u16le();
  if (size < TRAILER_SIZE || size > end - start) {
    throw malformed(`expected an entry of ${TRAILER_SIZE} to ${end - start} bytes, received ${size}`);
  }
  return { guid: hexOf(image.subarray(from + 2, end)), size };
}

function malformed(message: string): Fault {
  return new Fault("measurement/bad-firmware", message);
}
