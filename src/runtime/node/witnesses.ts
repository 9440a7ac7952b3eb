/** Which witnesses does the configuration name? Each is asked over HTTP, within five seconds. */
import { Fault } from "../../base/fault.ts";
import { createWitness } from "../../broker/witness.ts";
import type { Anchor } from "../../broker/world.ts";
import { addCheckpoint } from "../../client/witness.ts";
import { type NoteKey, parseVerifierKey } from "../../ledger/note.ts";
import type { Config } from "../config.ts";
import { nodePrimitives } from "./primitives.ts";

const TIMEOUT_MS = 5000;

/** @throws {@link Fault} `config/invalid` for a key that is none of a witness. */
export function witnessesOf({ witnesses }: Config): readonly Anchor[] {
  return witnesses.map(({ url, key, isRequired }) =>
    createWitness({
      url,
      key: keyOf(key),
      isRequired,
      ask: (body) =>
        addCheckpoint({ url, fetch: globalThis.fetch, signal: () => AbortSignal.timeout(TIMEOUT_MS) }, body),
    }),
  );
}

function keyOf(text: string): NoteKey {
  try {
    return parseVerifierKey(text, nodePrimitives.digest, "cosignature");
  } catch (thrown) {
    const sentence =
      "expected `key` of a witness as it prints it: `name+hash+base64` of an Ed25519 cosignature key";
    throw new Fault("config/invalid", sentence, { place: "ledger.witness" }, thrown);
  }
}
