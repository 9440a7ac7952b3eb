/** Which addresses and blocks are there? Against the forms of RFC 4291 section 2.2, and prefix by prefix. */
import { describe, expect, it } from "vitest";
import { formatAddress, isWithin, parseAddress, parseBlock } from "../../src/writ/addresses.ts";

describe("an address", () => {
  it.each([
    ["0.0.0.0", 4, 0n],
    ["255.255.255.255", 4, 0xffff_ffffn],
    ["192.0.2.1", 4, 0xc000_0201n],
    ["::", 6, 0n],
    ["::1", 6, 1n],
    ["1::", 6, 1n << 112n],
    ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", 6, 0xabcd_ef01_2345_6789_abcd_ef01_2345_6789n],
    ["2001:DB8:0:0:8:800:200C:417A", 6, 0x2001_0db8_0000_0000_0008_0800_200c_417an],
    ["2001:db8::8:800:200c:417a", 6, 0x2001_0db8_0000_0000_0008_0800_200c_417an],
    ["::13.1.68.3", 6, 0x0d01_4403n],
    ["64:ff9b::192.0.2.33", 6, (0x64n << 112n) | (0xff9bn << 96n) | 0xc000_0221n],
    ["1:2:3:4:5:6:1.2.3.4", 6, 0x0001_0002_0003_0004_0005_0006_0102_0304n],
    ["::ffff:129.144.52.38", 4, 0x8190_3426n],
    ["0:0:0:0:0:ffff:c000:201", 4, 0xc000_0201n],
    ["1:2:3:4:5:6:7::", 6, 0x0001_0002_0003_0004_0005_0006_0007_0000n],
  ])("may be %s", (text, family, value) => {
    expect(parseAddress(text)).toEqual({ family, value });
  });

  it.each([
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.0x4",
    "1.2.3.-4",
    " 1.2.3.4",
    "1.2.3.4 ",
    "1.2.3.1000",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "[::1]",
    "1.2.3.4::",
    "1.2.3.4:2:3:4:5:6:7",
    "::1.2.3",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0",
    "1:",
    ":1",
  ])("is not %j", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
  ])("%s is written %s", (text, written) => {
    const address = parseAddress(text);
    expect(address === undefined ? "" : formatAddress(address)).toBe(written);
  });
});

describe("a block", () => {
  it.each([
    ["0.0.0.0/0", 4, 0n, 0],
    ["10.0.0.0/8", 4, 0x0a00_0000n, 8],
    ["192.0.2.1/32", 4, 0xc000_0201n, 32],
    ["::/0", 6, 0n, 0],
    ["::1/128", 6, 1n, 128],
    ["::ffff:10.0.0.0/104", 4, 0x0a00_0000n, 8],
    ["::ffff:0:0/96", 4, 0n, 0],
  ])("may be %s", (text, family, base, prefix) => {
    expect(parseBlock(text)).toEqual({ kind: "block", block: { family, base, prefix } });
  });

  it.each([
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/-1",
    "::/129",
    "::ffff:10.0.0.0/95",
    "x/8",
    "/8",
    "1.2.3.4/8/8",
    "a10.0.0.0/8",
    "x10.0.0.0/8",
    " 10.0.0.0/8",
    "10.0.0.0/8 ",
  ])("is not %s", (text) => {
    expect(parseBlock(text)).toEqual({ kind: "malformed" });
  });

  it.each([
    ["10.0.0.1/8", 4, 0x0a00_0000n, 8],
    ["2001:db8::1/32", 6, 0x2001_0db8n << 96n, 32],
  ])("has no bits below its prefix: %s", (text, family, value, prefix) => {
    expect(parseBlock(text)).toEqual({ kind: "host-bits", network: { family, value }, prefix });
  });

  it.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "9.255.255.255", false],
    ["192.0.2.1/32", "192.0.2.1", true],
    ["192.0.2.1/32", "192.0.2.0", false],
    ["0.0.0.0/0", "255.1.2.3", true],
    ["0.0.0.0/0", "::1", false],
    ["::/0", "1.2.3.4", false],
    ["::/0", "ffff::", true],
    ["::ffff:10.0.0.0/104", "10.1.1.1", true],
  ])("%s and %s: %s", (text, address, isInside) => {
    const [reading, parsed] = [parseBlock(text), parseAddress(address)];
    if (reading.kind !== "block" || parsed === undefined) throw new Error("both have to be in form");
    expect(isWithin(reading.block, parsed)).toBe(isInside);
  });
});
