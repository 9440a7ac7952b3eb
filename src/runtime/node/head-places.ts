/** Where are heads put, and whose are listened to? What the configuration names, each asked within seconds. */
import { Fault } from "../../base/fault.ts";
import { createPeer } from "../../broker/gossip.ts";
import { createPublication } from "../../broker/publish.ts";
import type { Anchor } from "../../broker/world.ts";
import { logAt } from "../../client/log-files.ts";
import { putHead } from "../../client/publish.ts";
import { type NoteKey, parseVerifierKey } from "../../ledger/note.ts";
import type { Config } from "../config.ts";
import { pemOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { replaceFile } from "./replaced-file.ts";
import type { LoadedConfig } from "./settings.ts";

const TIMEOUT_MS = 5000;
const signal = (): AbortSignal => AbortSignal.timeout(TIMEOUT_MS);

/** @throws {@link Fault} `config/invalid` for a key that is none of a log; `file/unusable`. */
export async function headPlacesOf({ config, at }: LoadedConfig): Promise<readonly Anchor[]> {
  const publications = await Promise.all(config.publications.map((place) => publicationOf(place, at)));
  const { fetch } = globalThis;
  const peers = config.peers.map(({ url, key }) =>
    createPeer({ url, key: keyOf(key), read: logAt({ url, fetch, signal }) }),
  );
  return [...publications, ...peers];
}

async function publicationOf(place: Config["publications"][number], at: LoadedConfig["at"]): Promise<Anchor> {
  if ("file" in place) {
    const path = at(place.file);
    return createPublication({ name: path, put: (note) => replaceFile(path, note) });
  }
  const { url, tokenFile } = place;
  const shown = tokenFile === undefined ? {} : { token: (await pemOf(at(tokenFile))).trim() };
  const door = { url, ...shown, fetch: globalThis.fetch, signal };
  return createPublication({ name: url, put: (note) => putHead(door, note) });
}

function keyOf(text: string): NoteKey {
  try {
    return parseVerifierKey(text, nodePrimitives.digest);
  } catch (thrown) {
    const sentence = "expected `key` of a peer as `ostiary ledger head` prints it: `name+hash+base64`";
    throw new Fault("config/invalid", sentence, { place: "ledger.peer" }, thrown);
  }
}
