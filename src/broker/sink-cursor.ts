/** How far is a sink, and whose turn is it? A row of the database, which moves only from where this process found it. */
import { utf8 } from "../base/bytes.ts";
import type { JsonValue } from "../base/canonical-json.ts";
import { Fault } from "../base/fault.ts";
import { hasShape, integer, isJsonObject, object, optional, type Shape, text } from "../base/shape.ts";
import { parseStrictJson } from "../base/strict-json.ts";
import type { World } from "./world.ts";

export interface Cursor {
  /** The first entry that it was not told. */
  readonly next: number;
  readonly owner: string;
  /** Unix seconds: until then nobody else takes its turn. */
  readonly until: number;
  readonly failing?: { readonly since: number; readonly reason: string };
}

type CursorWorld = Pick<World, "store" | "now">;

/** Longer than any delivery may take. */
export const TURN_SECONDS = 40;
const RENEW_SECONDS = 20;

/** Where a sink begins that was never told anything. */
export async function beginCursor(
  name: string,
  next: number,
  { store }: Pick<World, "store">,
  owner: string,
): Promise<void> {
  await store.putMeta(metaName(name), undefined, encodeCursor({ next, owner, until: 0 })); // where another broker was first, its word holds
}

/** How far a sink is. `undefined` for one that was never begun; @throws {@link Fault} `store/incompatible` for what is no cursor. */
export async function cursorOf(name: string, { store }: Pick<World, "store">): Promise<Cursor | undefined> {
  const kept = await store.meta(metaName(name));
  return kept === undefined ? undefined : parseCursor(kept);
}

/** `undefined` while another process has the turn. Of brokers that share a database one tells each sink, so that it hears once. */
export async function takenTurn(
  name: string,
  owner: string,
  world: CursorWorld,
): Promise<Cursor | undefined> {
  const cursor = await cursorOf(name, world);
  if (cursor === undefined) return undefined;
  if (cursor.owner !== owner && cursor.until > world.now()) return undefined;
  if ((await world.store.ledgerSize()) <= cursor.next) return undefined;
  if (cursor.owner === owner && !isEndingSoon(cursor, world)) return cursor;
  return moved(name, cursor, { ...cursor, owner }, world);
}

/** Whether the turn has to be made longer before another delivery begins. */
export function isEndingSoon({ until }: Cursor, { now }: Pick<World, "now">): boolean {
  return until - now() <= RENEW_SECONDS;
}

/** With each step the turn lasts longer. `undefined` where another took it: then what was told just now is told again. */
export async function moved(
  name: string,
  from: Cursor,
  to: Pick<Cursor, "next" | "owner" | "failing">,
  world: CursorWorld,
): Promise<Cursor | undefined> {
  const cursor: Cursor = { ...to, until: world.now() + TURN_SECONDS };
  const isMine = await world.store.putMeta(metaName(name), encodeCursor(from), encodeCursor(cursor));
  return isMine ? cursor : undefined;
}

/** Lets whoever comes next begin at once. Where another was faster, its word holds. */
export async function leftCursor(
  name: string,
  cursor: Cursor,
  { store }: Pick<World, "store">,
): Promise<void> {
  await store.putMeta(metaName(name), encodeCursor(cursor), encodeCursor({ ...cursor, until: 0 }));
}

function metaName(name: string): string {
  return `sink/${name}`;
}

const FAILING = {
  since: integer(0, Number.MAX_SAFE_INTEGER),
  reason: text(/^\P{Cc}{1,200}$/u),
} satisfies Shape<NonNullable<Cursor["failing"]>>;

const CURSOR = {
  next: integer(0, Number.MAX_SAFE_INTEGER),
  owner: text(/^[0-9a-f]{32}$/),
  until: integer(0, Number.MAX_SAFE_INTEGER),
  failing: optional(object(FAILING)),
} satisfies Shape<Cursor>;

function encodeCursor({ next, owner, until, failing }: Cursor): string {
  return JSON.stringify({ next, owner, until, ...(failing === undefined ? {} : { failing }) });
}

function parseCursor(kept: string): Cursor {
  const limits = { maxBytes: 1024, maxDepth: 3, code: "store/incompatible" } as const;
  const value = parseStrictJson(utf8(kept), limits);
  if (isCursor(value)) return value;
  throw new Fault("store/incompatible", "expected the cursor of a sink");
}

function isCursor(value: JsonValue): value is JsonValue & Cursor {
  return isJsonObject(value) && hasShape(value, CURSOR);
}
