/** An IGVM file of one's own making: headers in order, data behind them, and the checksum. */
import { concatBytes, u32le, u64le } from "../../src/base/bytes.ts";
import { crc32Of } from "../../src/measurement/crc32.ts";

export type MadeDirective =
  | { readonly kind: "platform"; readonly mask: number; readonly type: number }
  | { readonly kind: "policy"; readonly mask: number }
  | {
      readonly kind: "page";
      readonly mask: number;
      readonly gpa: bigint;
      readonly flags: number;
      readonly type: number;
      readonly data?: Uint8Array;
    }
  | { readonly kind: "area"; readonly index: number; readonly size: number }
  | { readonly kind: "insert"; readonly mask: number; readonly gpa: bigint; readonly index: number }
  | { readonly kind: "vmsa"; readonly mask: number; readonly gpa: bigint; readonly data: Uint8Array }
  | { readonly kind: "id block"; readonly mask: number; readonly digest: Uint8Array };

const TYPES = {
  platform: 1,
  policy: 0x101,
  page: 0x302,
  area: 0x301,
  insert: 0x303,
  vmsa: 0x304,
  "id block": 0x30b,
};

export function madeIgvm(directives: readonly MadeDirective[]): Uint8Array {
  const headSize =
    24 + directives.reduce((sum, one) => sum + 8 + Math.ceil(bodyOf(one, 0).length / 8) * 8, 0);
  const headers: Uint8Array[] = [];
  const data: Uint8Array[] = [];
  let at = headSize;
  for (const one of directives) {
    const brought = "data" in one ? one.data : undefined;
    const body = bodyOf(one, brought === undefined ? 0 : at);
    headers.push(
      u32le(TYPES[one.kind]),
      u32le(body.length),
      body,
      new Uint8Array((8 - (body.length % 8)) % 8),
    );
    if (brought !== undefined) {
      data.push(brought);
      at += brought.length;
    }
  }
  const variable = concatBytes(...headers);
  const head = (checksum: number) =>
    concatBytes(...[0x4d56_4749, 1, 24, variable.length, at, checksum].map((value) => u32le(value)));
  const checksum = crc32Of(concatBytes(head(0), variable));
  return concatBytes(head(checksum), variable, ...data);
}

function bodyOf(one: MadeDirective, offset: number): Uint8Array {
  switch (one.kind) {
    case "platform":
      return concatBytes(u32le(one.mask), Uint8Array.of(0, one.type, 1, 0), u64le(0n));
    case "policy":
      return concatBytes(u64le(0x30000n), u32le(one.mask), u32le(0));
    case "page":
      return concatBytes(
        u64le(one.gpa),
        u32le(one.mask),
        u32le(offset),
        u32le(one.flags),
        Uint8Array.of(one.type, 0, 0, 0),
      );
    case "area":
      return concatBytes(u64le(BigInt(one.size)), u32le(one.index), u32le(0));
    case "insert":
      return concatBytes(u64le(one.gpa), u32le(one.mask), u32le(one.index));
    case "vmsa":
      return concatBytes(u64le(one.gpa), u32le(one.mask), u32le(offset), u32le(0));
    case "id block":
      return concatBytes(u32le(one.mask), new Uint8Array(4), one.digest, new Uint8Array(696 - 56));
  }
}
