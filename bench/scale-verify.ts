/** How much memory does it take to verify a log that is long? An export is made line by line and verified as it comes, in a process of its own; JSON out. */
import { resourceUsage } from "node:process";
import { concatBytes } from "../src/base/bytes.ts";
import { signCheckpoint } from "../src/ledger/checkpoint.ts";
import { encodeEntry, type LedgerEntry } from "../src/ledger/entry.ts";
import { encodeExportHead, encodeExportLine, verifyExport } from "../src/ledger/export.ts";
import { appendLeaf, emptyFrontier, frontierRoot, leafHash } from "../src/ledger/merkle.ts";
import { verifierKeyOf } from "../src/ledger/note.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../src/runtime/node/signers.ts";

const ORIGIN = "broker.example";
const size = Number(process.argv[2]);
const signer = createEd25519Signer("ledger", generateEd25519Pem());
const key = { name: ORIGIN, spki: signer.spki };
const { digest } = nodePrimitives;

let frontier = emptyFrontier();
for (let seq = 0; seq < size; seq += 1)
  frontier = appendLeaf(frontier, leafHash(leafAt(seq), digest), digest);
const head = { origin: ORIGIN, size, root: frontierRoot(frontier, digest) };
const checkpoint = await signCheckpoint(head, signer, nodePrimitives);

const began = performance.now();
await verifyExport(lines(), key, nodePrimitives);
const seconds = (performance.now() - began) / 1000;
process.stdout.write(`${JSON.stringify({ size, seconds, mostMiB: resourceUsage().maxRSS / 1024 })}\n`);

async function* lines(): AsyncGenerator<Uint8Array, void, undefined> {
  yield concatBytes(encodeExportHead({ v: 1, origin: ORIGIN, checkpoint, key: verifierKeyOf(key, digest) }));
  for (let seq = 0; seq < size; seq += 1) yield encodeExportLine(leafAt(seq), digest);
}

/** A decision as a broker writes it. */
function leafAt(seq: number): Uint8Array {
  const entry: LedgerEntry = {
    v: 1,
    seq,
    time: 1_790_000_000 + Math.floor(seq / 100),
    kind: "decision",
    id: `01J${String(seq).padStart(23, "0")}`,
    outcome: "allow",
    code: null,
    items: [{ resource: "prod/db/luks", op: "release", version: 3, outcome: "allow" }],
    policy_hash: "ab".repeat(32),
    evidence_hash: "cd".repeat(32),
    trace_hash: "ef".repeat(32),
    binding: 3,
    suite: 1,
    vmpl: 0,
    measurement: "12".repeat(48),
    crl: { number: 6, thisUpdate: 1_789_000_000, age: 3600 },
  };
  return encodeEntry(entry);
}
