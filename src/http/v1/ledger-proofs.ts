/** `/v1/ledger/inclusion`, `consistency` and `tile`: what shows that an entry is in the log, and that the log only grew. */
import { equalBytes } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import { Fault } from "../../base/fault.ts";
import { advanceCheckpoint } from "../../broker/checkpoints.ts";
import { forkMark } from "../../broker/fork-mark.ts";
import { ledgerEntries } from "../../broker/leaves.ts";
import { proveConsistency, proveInclusion, provenTile } from "../../broker/proofs.ts";
import type { World } from "../../broker/world.ts";
import { encodeEntry } from "../../ledger/entry.ts";
import { encodeBundle } from "../../ledger/log-files.ts";
import { HASH_SIZE, leafHash } from "../../ledger/merkle.ts";
import { type NamedTile, parseTilePath } from "../../ledger/tile-path.ts";
import { TILE_WIDTH } from "../../ledger/tiles.ts";
import {
  CONSISTENCY_PROOF,
  COSIGNED_NOTES,
  encodeConsistencyProof,
  encodeCosignedNotes,
  encodeInclusionProof,
  INCLUSION_PROOF,
} from "../../wire/ledger-proof.ts";
import type { Route } from "../route.ts";
import { countOf } from "./ledger.ts";

export const inclusionRoute: Route = {
  method: "GET",
  path: "/v1/ledger/inclusion",
  summary:
    "Entry `seq`, and the hashes that show it to be in the tree of `size` entries; that of the signed head by default",
  audience: "ledger-reader",
  query: ["seq", "size"],
  answer: INCLUSION_PROOF,
  serve: async ({ query }, { world }) => {
    const seq = countOf(query.get("seq") ?? "");
    const size = sizeIn(query);
    await advanceCheckpoint(world);
    return { body: encodeInclusionProof(await proveInclusion(seq, size, world)) };
  },
};

export const consistencyRoute: Route = {
  method: "GET",
  path: "/v1/ledger/consistency",
  summary:
    "The hashes that show that the tree of `size` entries, by default that of the signed head, begins with that of `from` entries",
  audience: "ledger-reader",
  query: ["from", "size"],
  answer: CONSISTENCY_PROOF,
  serve: async ({ query }, { world }) => {
    const from = countOf(query.get("from") ?? "");
    const size = sizeIn(query);
    await advanceCheckpoint(world);
    return { body: encodeConsistencyProof(await proveConsistency(from, size, world)) };
  },
};

export const cosignedRoute: Route = {
  method: "GET",
  path: "/v1/ledger/cosigned",
  summary:
    "For each witness the newest head that it has cosigned, as a note with its line beside the log's own",
  audience: "ledger-reader",
  answer: COSIGNED_NOTES,
  serve: async (_incoming, { world }) => {
    const said = await Promise.all((world.anchors ?? []).map((anchor) => anchor.said?.(world)));
    return { body: encodeCosignedNotes(said.filter((note) => note !== undefined)) };
  },
};

export const forkRoute: Route = {
  method: "GET",
  path: "/v1/ledger/fork",
  summary:
    "What shows that this log is not the only one under its key, as anybody can check it; `{}` where nothing does",
  audience: "ledger-reader",
  serve: async (_incoming, { world }) => ({ body: canonicalJson((await forkMark(world)) ?? {}) }),
};

/** A year: what a tile or a bundle holds never changes, whatever its width. */
const FOR_EVER = "max-age=31536000, immutable";

export const tileRoute: Route = {
  method: "GET",
  path: "/v1/ledger/tile/*",
  summary:
    "A tile of hashes (`L/N`, `L/N.p/W`) or of entries (`entries/N`, `entries/N.p/W`) as C2SP tlog-tiles has them",
  audience: "ledger-reader",
  serve: async ({ parameter }, { world, edges }) => {
    const tile = parseTilePath(parameter);
    if (tile === undefined) throw new Fault("request/not-found", "expected the path of a tile");
    const isPublic = edges.ledgerReaders === "anyone";
    return {
      contentType: "application/octet-stream",
      cacheControl: `${isPublic ? "public" : "private"}, ${FOR_EVER}`,
      body: await bytesOf(tile, world),
    };
  },
};

async function bytesOf({ level, position, width }: NamedTile, world: World): Promise<Uint8Array> {
  if (level !== "entries") return (await provenTile({ level, position, width }, world)).hashes;
  const { hashes } = await provenTile({ level: 0, position, width }, world);
  const from = position * TILE_WIDTH;
  const entries = await ledgerEntries({ from, limit: width }, world);
  const leaves = Array.from({ length: width }, (_, i) => {
    const entry = entries[i];
    const leaf = entry === undefined ? new Uint8Array(0) : encodeEntry(entry);
    const signed = hashes.subarray(i * HASH_SIZE, (i + 1) * HASH_SIZE);
    if (!equalBytes(leafHash(leaf, world.primitives.digest), signed)) throw otherEntry(from + i);
    return leaf;
  });
  return encodeBundle(leaves);
}

function otherEntry(entry: number): Fault {
  return new Fault("ledger/inconsistent", `entry ${entry} is not the one that was signed`, { entry });
}

function sizeIn(query: URLSearchParams): number | undefined {
  const size = query.get("size");
  return size === null ? undefined : countOf(size);
}
