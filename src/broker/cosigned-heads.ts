/** Which heads has a witness cosigned of late? The newest ones are kept, so that heads can be found that several witnesses have seen. */
import type { JsonValue } from "../base/canonical-json.ts";
import { isFault } from "../base/fault.ts";
import { openCosignature } from "../ledger/cosignature.ts";
import type { NoteKey } from "../ledger/note.ts";
import type { Store } from "./store.ts";
import type { World } from "./world.ts";

/** One that is slow is so many heads behind another, and they have some in common all the same. */
const MAX_HEADS = 12;
const MAX_KNOWN = 64;
const LINES = 2;

type Kept = Pick<Store, "meta" | "putMeta">;

/** Keeps a head with its cosignature, in front of those before it. What another broker keeps in the same moment may win. */
export async function keepCosignedHead(note: string, key: NoteKey, store: Kept): Promise<void> {
  const name = nameOf(key);
  const kept = await store.meta(name);
  const notes = [note, ...notesIn(kept).filter((one) => one !== note)].slice(0, MAX_HEADS);
  await store.putMeta(name, kept, JSON.stringify(notes));
}

/** The newest one, as it was kept. */
export async function newestCosigned(key: NoteKey, store: Pick<Store, "meta">): Promise<string | undefined> {
  return notesIn(await store.meta(nameOf(key)))[0];
}

/** Reads them, newest first: only those that the witness has cosigned, whatever stands in the database. */
export function createCosignedReader(
  key: NoteKey,
): (world: Pick<World, "store" | "primitives">) => Promise<readonly string[]> {
  const known = new Set<string>();
  return async ({ store, primitives }) => {
    const good: string[] = [];
    for (const note of notesIn(await store.meta(nameOf(key)))) {
      if (!known.has(note) && !(await isCosigned(note, key, primitives))) continue; // in order: few, and most are known
      if (known.size >= MAX_KNOWN) known.clear();
      known.add(note);
      good.push(note);
    }
    return good;
  };
}

/** The log's own line and that of the witness, and no third: what follows them nobody has looked at. */
async function isCosigned(note: string, key: NoteKey, primitives: World["primitives"]): Promise<boolean> {
  if (note.slice(note.lastIndexOf("\n\n") + 2).split("\n").length !== LINES + 1) return false;
  try {
    await openCosignature(note, key, primitives);
    return true;
  } catch (thrown) {
    if (isFault(thrown)) return false;
    throw thrown;
  }
}

/** An earlier version kept one note as it is. */
function notesIn(kept: string | undefined): readonly string[] {
  if (kept === undefined) return [];
  if (!kept.startsWith("[")) return [kept];
  try {
    const value: JsonValue = JSON.parse(kept);
    return Array.isArray(value) ? value.filter((one) => typeof one === "string").slice(0, MAX_HEADS) : [];
  } catch {
    return [];
  }
}

function nameOf({ name }: NoteKey): string {
  return `cosigned ${name}`;
}
