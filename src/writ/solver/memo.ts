/** Which combinations of nodes were made already? A table that doubles up to a bound, and then forgets the older of two. */

export interface Memo {
  /** Four numbers a slot: operation, both nodes, result. Operation 0 is a free slot. */
  keys: Int32Array;
  used: number;
}

interface Result {
  readonly code: number;
  readonly a: number;
  readonly b: number;
  readonly node: number;
}

const WIDTH = 4;
const MAX_SLOTS = 1 << 21;

export function createMemo(): Memo {
  return { keys: new Int32Array(WIDTH << 11), used: 0 };
}

/** The result, or -1. */
export function recall({ keys }: Memo, code: number, a: number, b: number): number {
  const slot = slotOf(keys, code, a, b);
  const isKnown = keys[slot] === code && keys[slot + 1] === a && keys[slot + 2] === b;
  return isKnown ? (keys[slot + 3] ?? -1) : -1;
}

export function remember(memo: Memo, result: Result): void {
  memo.used += 1;
  if (2 * memo.used * WIDTH > memo.keys.length && memo.keys.length < MAX_SLOTS * WIDTH) widen(memo);
  write(memo.keys, result);
}

function write(keys: Int32Array, { code, a, b, node }: Result): void {
  const slot = slotOf(keys, code, a, b);
  keys[slot] = code;
  keys[slot + 1] = a;
  keys[slot + 2] = b;
  keys[slot + 3] = node;
}

function widen(memo: Memo): void {
  const old = memo.keys;
  memo.keys = new Int32Array(2 * old.length);
  for (let at = 0; at < old.length; at += WIDTH) {
    const [code = 0, a = 0, b = 0, node = 0] = old.subarray(at, at + WIDTH);
    if (code !== 0) write(memo.keys, { code, a, b, node });
  }
}

function slotOf(keys: Int32Array, code: number, a: number, b: number): number {
  const hash = Math.imul(Math.imul(a, 0x9e37_79b1) ^ b, 0x85eb_ca6b) + code;
  return ((hash ^ (hash >>> 15)) & (keys.length / WIDTH - 1)) * WIDTH;
}
