/** Which addresses does a CIDR block hold? IPv4 and IPv6; an IPv4-mapped address is IPv4. */
import type { Block } from "./program.ts";

/** An address as a number of its family. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;
const MAPPED = 0xffffn;

/** Reads an IPv4 or IPv6 address; `undefined` for anything else (no zone, no port, no octal). */
export function parseAddress(text: string): Address | undefined {
  const address = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  if (address === undefined || address.family === 4) return address;
  return address.value >> 32n === MAPPED ? { family: 4, value: address.value & 0xffff_ffffn } : address;
}

function parseIpv4(text: string): Address | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return { family: 4, value };
}

function parseIpv6(text: string): Address | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = groupsOf(halves[1] ?? "", true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return { family: 6, value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n) };
}

/** Groups of one half; only the last may be an IPv4 address, which makes two groups. */
function groupsOf(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [at, part] of parts.entries()) {
    const embedded =
      mayEndInIpv4 && at === parts.length - 1 && part.includes(".") ? parseIpv4(part) : undefined;
    if (embedded !== undefined) groups.push(Number(embedded.value >> 16n), Number(embedded.value & 0xffffn));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** What is wrong with a block, in words that follow "…, but": only the address, its length, or bits below the prefix. */
export type BlockReading =
  | { readonly kind: "block"; readonly block: Block }
  | { readonly kind: "malformed" }
  | { readonly kind: "host-bits"; readonly network: Address; readonly prefix: number };

/** Reads `address/prefix`. Bits below the prefix have to be zero. */
export function parseBlock(text: string): BlockReading {
  const match = /^([0-9a-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = parseAddress(match?.[1] ?? "");
  if (match === null || address === undefined) return { kind: "malformed" };
  const isMapped = address.family === 4 && (match[1] ?? "").includes(":");
  const prefix = Number(match[2]) - (isMapped ? 96 : 0);
  const bits = BITS[address.family];
  if (prefix < 0 || prefix > bits) return { kind: "malformed" };
  const free = BigInt(bits - prefix);
  const base = (address.value >> free) << free;
  if (base !== address.value) {
    return { kind: "host-bits", network: { family: address.family, value: base }, prefix };
  }
  return { kind: "block", block: { family: address.family, base, prefix } };
}

export function isWithin(block: Block, address: Address): boolean {
  const free = BigInt(BITS[block.family] - block.prefix);
  return address.family === block.family && address.value >> free === block.base >> free;
}

/** IPv4 dotted, IPv6 as eight groups with the longest run of zeros left out. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 255n).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((address.value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const full = groups.join(":");
  const runs = [...full.matchAll(/(?:^|:)(?:0(?::|$)){2,}/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  return longest === "" ? full : full.replace(longest, "::");
}
