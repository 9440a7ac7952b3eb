/** How does a host hand certificates to its guest? The GHCB certificate table, written. */
import { concatBytes, parseHex } from "../base/bytes.ts";

const GUID = {
  vcek: "63da758de6644564adc5f4b93be8accd",
  vlek: "a8074bc2a25a483eaae639c045a0b8a1",
  ask: "4ab7b379bbac4fe4a02f05aef327c782",
  ark: "c0b406a4a803495297433fb6014cd0ae",
  crl: "92f81bc358114d3d97ffd19f88dc67ea",
  launchEndorsement: "9f4116cdc5034f5a8f6ffb68882f4ce2",
} as const;

/** Contents by what they are; the order of the members is the order in the table. */
export type TableContents = Partial<Readonly<Record<keyof typeof GUID, Uint8Array>>>;

/** Writes a certificate table: entries, the zero entry that ends them, then the contents. */
export function writeCertTable(contents: TableContents): Uint8Array {
  const entries = Object.entries(contents).map(([name, bytes]) => ({ guid: guidOf(name), bytes }));
  let offset = (entries.length + 1) * 24;
  const header: Uint8Array[] = [];
  for (const { guid, bytes } of entries) {
    const range = new DataView(new ArrayBuffer(8));
    range.setUint32(0, offset, true);
    range.setUint32(4, bytes.length, true);
    header.push(guid, new Uint8Array(range.buffer));
    offset += bytes.length;
  }
  return concatBytes(...header, new Uint8Array(24), ...entries.map(({ bytes }) => bytes));
}

function guidOf(name: string): Uint8Array {
  const hex = Object.entries(GUID).find(([known]) => known === name)?.[1];
  const guid = hex === undefined ? undefined : parseHex(hex);
  if (guid === undefined) throw new Error(`the table has no GUID for ${name}`);
  return guid;
}
