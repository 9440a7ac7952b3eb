/** How does a chip's id stand in what is kept, where nobody is to read it there? Sealed under the salt: one chip one name, which whoever has the salt opens. */
import { base64UrlOf, concatBytes, hexOf, parseBase64Url, parseHex, utf8 } from "../base/bytes.ts";
import type { Primitives } from "../base/primitives.ts";
import { sivOpen, sivSeal } from "./siv.ts";

/** The ids of chips in texts that are kept, and certificates that hold one. */
export interface ChipIds {
  /** Every id in a text becomes its name. Twice is as once. */
  readonly hide: (text: string) => string;
  /** Every name that this salt made becomes the id again; any other stays. */
  readonly show: (text: string) => string;
  /** Seals what belongs to a row of this key. */
  readonly seal: (bytes: Uint8Array, key: string) => Uint8Array;
  /** Opens it; `undefined` for what this salt did not seal for that row. */
  readonly open: (bytes: Uint8Array, key: string) => Uint8Array | undefined;
}

const KEY_LABEL = utf8("ostiary/chip-id/v1\n");
const NAME_LABEL = utf8("name\n");
const ROW_LABEL = "row\n";
/** INVARIANT: the cipher is one that a repeated nonce costs nothing but equality, and equality is what a name is for. */
const NONCE = new Uint8Array(12);

/** CHIP_ID has 64 bytes, and nothing else that a policy sees has. */
const ID = /(?<![0-9a-f])[0-9a-f]{128}(?![0-9a-f])/gi;
/** 64 bytes and 16 of tag, in base64url. */
const NAME = /~[A-Za-z0-9_-]{107}(?![A-Za-z0-9_-])/g;
/** So many chips are known without being computed anew. */
const MAX_KNOWN = 4096;

export function chipIdsUnder(salt: Uint8Array, { hmac }: Pick<Primitives, "hmac">): ChipIds {
  const key = hmac("sha256", salt, KEY_LABEL);
  const [names, ids] = [new Map<string, string>(), new Map<string, string>()];
  const nameOf = (id: string): string => `~${base64UrlOf(sivSeal(key, NONCE, NAME_LABEL, bytesOf(id)))}`;
  const idOf = (name: string): string => {
    const id = sivOpen(key, NONCE, NAME_LABEL, parseBase64Url(name.slice(1)) ?? new Uint8Array(0));
    return id === undefined ? name : hexOf(id);
  };
  return {
    hide: (text) => text.replace(ID, (id) => known(names, id.toLowerCase(), nameOf)),
    show: (text) => text.replace(NAME, (name) => known(ids, name, idOf)),
    seal: (bytes, row) => sivSeal(key, NONCE, aadOf(row), bytes),
    open: (bytes, row) => sivOpen(key, NONCE, aadOf(row), bytes),
  };
}

function known(memo: Map<string, string>, from: string, make: (from: string) => string): string {
  const there = memo.get(from);
  if (there !== undefined) return there;
  const made = make(from);
  if (memo.size >= MAX_KNOWN) memo.clear();
  memo.set(from, made);
  return made;
}

function aadOf(row: string): Uint8Array {
  return concatBytes(utf8(ROW_LABEL), utf8(row));
}

function bytesOf(id: string): Uint8Array {
  return parseHex(id) ?? new Uint8Array(0);
}
