/** Does a hostile host get anything by the certificate table it writes? Rows of case 38 of the catalogue, and any bytes. */
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { parseCertTable } from "../../src/attestation/snp/cert-table.ts";
import { concatBytes } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { writeCertTable } from "../../src/simulator/cert-table.ts";
import { codeOf } from "../support/faults.ts";

const VCEK = "63da758de6644564adc5f4b93be8accd";
const ASK = "4ab7b379bbac4fe4a02f05aef327c782";
const GOOGLE = "9f4116cdc5034f5a8f6ffb68882f4ce2";
const PLATFORM = "ecae0c0f950243b1afa20ae2e0d565b6";

interface Entry {
  readonly guid: string;
  readonly offset: number;
  readonly length: number;
}

function entry({ guid, offset, length }: Entry): Uint8Array {
  const range = new DataView(new ArrayBuffer(8));
  range.setUint32(0, offset, true);
  range.setUint32(4, length, true);
  return concatBytes(Uint8Array.from(Buffer.from(guid, "hex")), new Uint8Array(range.buffer));
}

const TERMINATOR = new Uint8Array(24);

/** Entries, terminator and so many bytes of content. */
function table(
  entries: readonly Entry[],
  contentSize: number,
  terminator: Uint8Array = TERMINATOR,
): Uint8Array {
  return concatBytes(...entries.map(entry), terminator, new Uint8Array(contentSize).fill(7));
}

describe("a certificate table", () => {
  it("gives certificates and CRLs as they were put in, in order", () => {
    const part = (fill: number, size: number) => new Uint8Array(size).fill(fill);
    const bytes = writeCertTable({ vcek: part(1, 10), ask: part(2, 20), ark: part(3, 30), crl: part(4, 40) });
    const { certificates, crls } = parseCertTable(bytes);
    expect(certificates).toEqual([part(1, 10), part(2, 20), part(3, 30)]);
    expect(crls).toEqual([part(4, 40)]);
  });

  it.each([
    ["nothing but its end", table([], 0)],
    [
      "the host's padding after it",
      concatBytes(table([{ guid: VCEK, offset: 48, length: 4 }], 4), new Uint8Array(4096)),
    ],
    ["a content that ends where the table ends", table([{ guid: VCEK, offset: 48, length: 8 }], 8)],
    [
      "contents in another order than entries",
      table(
        [
          { guid: VCEK, offset: 76, length: 4 },
          { guid: ASK, offset: 72, length: 4 },
        ],
        8,
      ),
    ],
    ["an entry of 8192 bytes", table([{ guid: VCEK, offset: 48, length: 8192 }], 8192)],
    ["sixteen entries", table(distinct(16), 0)],
  ])("may have %s", (_name, bytes) => {
    expect(codeOf(() => parseCertTable(bytes))).toBeUndefined();
  });

  it("gives Google's endorsement of its firmware, which may be as large as a whole table of the kernel's", () => {
    const bytes = table([{ guid: GOOGLE, offset: 48, length: 16_384 }], 16_384);
    expect(parseCertTable(bytes).launchEndorsement).toEqual(new Uint8Array(16_384).fill(7));
    const larger = table([{ guid: GOOGLE, offset: 48, length: 16_385 }], 16_385);
    expect(codeOf(() => parseCertTable(larger))).toBe("evidence/malformed");
  });

  it("passes over what it does not know", () => {
    const bytes = table([{ guid: PLATFORM, offset: 48, length: 4 }], 4);
    expect(parseCertTable(bytes)).toEqual({ certificates: [], crls: [] });
  });

  it.each([
    ["offset and length that wrap 32 bits", table([{ guid: VCEK, offset: 0xfffffff0, length: 0x20 }], 64)],
    ["a length of 4 GiB", table([{ guid: VCEK, offset: 48, length: 0xffffffff }], 64)],
    ["an offset of 4 GiB", table([{ guid: VCEK, offset: 0xffffffff, length: 0 }], 64)],
    ["a content over its header", table([{ guid: VCEK, offset: 24, length: 8 }], 64)],
    ["a content at the start of the table", table([{ guid: VCEK, offset: 0, length: 8 }], 64)],
    ["a content one byte beyond the end", table([{ guid: VCEK, offset: 48, length: 9 }], 8)],
    [
      "a GUID twice",
      table(
        [
          { guid: VCEK, offset: 72, length: 4 },
          { guid: VCEK, offset: 76, length: 4 },
        ],
        8,
      ),
    ],
    [
      "contents that overlap",
      table(
        [
          { guid: VCEK, offset: 72, length: 5 },
          { guid: ASK, offset: 76, length: 4 },
        ],
        8,
      ),
    ],
    ["no terminator", concatBytes(entry({ guid: VCEK, offset: 24, length: 0 }))],
    ["a terminator cut short", table([], 0).slice(0, 23)],
    ["a terminator with an offset", table([], 8, entry({ guid: "00".repeat(16), offset: 24, length: 0 }))],
    ["nothing", new Uint8Array(0)],
    ["seventeen entries", table(distinct(17), 0)],
    ["as many entries as fit", table(distinct(5000), 0)],
    ["an entry of 8193 bytes", table([{ guid: VCEK, offset: 48, length: 8193 }], 8193)],
    ["an unknown entry of 16385 bytes", table([{ guid: PLATFORM, offset: 48, length: 16_385 }], 16_385)],
    ["more than 128 KiB", concatBytes(table([], 0), new Uint8Array(131_072))],
  ])("with %s is malformed", (_name, bytes) => {
    expect(codeOf(() => parseCertTable(bytes))).toBe("evidence/malformed");
  });

  it("shares no memory with what it was read from", () => {
    const bytes = table([{ guid: VCEK, offset: 48, length: 4 }], 4);
    const { certificates } = parseCertTable(bytes);
    bytes.fill(0);
    expect(certificates).toEqual([Uint8Array.of(7, 7, 7, 7)]);
  });

  property.prop([fc.uint8Array({ maxLength: 600 })])(
    "of any bytes is read or malformed, never worse",
    (bytes) => {
      try {
        parseCertTable(bytes);
      } catch (thrown) {
        expect(isFault(thrown, "evidence/malformed")).toBe(true);
      }
    },
  );

  property.prop([
    fc.record({
      vcek: fc.uint8Array({ maxLength: 200 }),
      vlek: fc.uint8Array({ maxLength: 200 }),
      ask: fc.uint8Array({ maxLength: 200 }),
      ark: fc.uint8Array({ maxLength: 200 }),
      crl: fc.uint8Array({ maxLength: 200 }),
    }),
  ])("is read back as it was written", ({ vcek, vlek, ask, ark, crl }) => {
    const { certificates, crls } = parseCertTable(writeCertTable({ vcek, vlek, ask, ark, crl }));
    expect({ certificates, crls }).toEqual({ certificates: [vcek, vlek, ask, ark], crls: [crl] });
  });
});

/** Empty entries with GUIDs that nobody knows, each its own. */
function distinct(count: number): readonly Entry[] {
  return Array.from({ length: count }, (_, i) => ({
    guid: (i + 1).toString(16).padStart(32, "0"),
    offset: (count + 1) * 24,
    length: 0,
  }));
}
