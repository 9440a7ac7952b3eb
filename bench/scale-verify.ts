/** How much memory does it take to verify a log that is long? An export is made line by line and verified as it comes, in a process of its own; JSON out. */
import { resourceUsage } from "node:process";
import { concatBytes, utf8 } from "../src/base/bytes.ts";
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

/** Of a decision as a broker writes it, what stands between that which is each one's own: ten million are not to be encoded twice. */
const FORM = new TextDecoder()
  .decode(encodeEntry(decisionAt(0)))
  .split(/(?<=id":")0\w+|(?<=seq":|time":)\d+/);

let frontier = emptyFrontier();
for (let seq = 0; seq < size; seq += 1)
  frontier = appendLeaf(frontier, leafHash(leafAt(seq), digest), digest);
const head = { origin: ORIGIN, size, root: frontierRoot(frontier, digest) };
const checkpoint = await signCheckpoint(head, signer, nodePrimitives);

const [began, cpu] = [performance.now(), process.cpuUsage()];
await verifyExport(lines(), key, nodePrimitives);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(cpu);
const figures = { seconds, cpuSeconds: (user + system) / 1e6, mostMiB: resourceUsage().maxRSS / 1024 };
process.stdout.write(`${JSON.stringify({ size, ...figures })}\n`);

async function* lines(): AsyncGenerator<Uint8Array, void, undefined> {
  yield concatBytes(encodeExportHead({ v: 1, origin: ORIGIN, checkpoint, key: verifierKeyOf(key, digest) }));
  for (let seq = 0; seq < size; seq += 1) yield encodeExportLine(leafAt(seq), digest);
}

/** Its id, position and time are in the order of their names. */
function leafAt(seq: number): Uint8Array {
  const [start = "", beforeSeq = "", beforeTime = "", end = ""] = FORM;
  const { id, time } = ownOf(seq);
  return utf8(`${start}${id}${beforeSeq}${seq}${beforeTime}${time}${end}`);
}

function ownOf(seq: number) {
  return { id: `01J${String(seq).padStart(23, "0")}`, time: 1_790_000_000 + Math.floor(seq / 100) };
}

function decisionAt(seq: number): LedgerEntry {
  return {
    v: 1,
    seq,
    ...ownOf(seq),
    kind: "decision",
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
}
