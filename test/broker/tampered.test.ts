/** Whatever is deleted, reordered, edited, forked or cut off is found, by `ledger verify`, by `store check` or at a start, and its place is named. */
import { beforeAll, describe, expect, it } from "vitest";
import { concatBytes, hexOf, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { addSeconds } from "../../src/base/time.ts";
import { checkLog } from "../../src/broker/check-log.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { chained, checkShadow } from "../../src/broker/shadow-chain.ts";
import type { ShadowDifference } from "../../src/broker/shadow-store.ts";
import { beginEpoch, checkLedger, refuseAltered } from "../../src/broker/startup.ts";
import type { Store, StoredCheckpoint, StoredEntry } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import { openStream, sealStream } from "../../src/channel/sealed-stream.ts";
import { HPKE_XWING } from "../../src/channel/suites.ts";
import { verifyExport } from "../../src/ledger/export.ts";
import { signApproval } from "../../src/policy/approval.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { adminDraft, shadowRowOf } from "../contract/store/examples.ts";
import { AUDIENCE, random } from "../http/broker-at-hand.ts";
import { governedParts, type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import { logOf } from "../ledger/entries.ts";
import { exportOf, KEY, linesAsBytes } from "../ledger/exports.ts";

const { digest: sha } = nodePrimitives;
const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
  allow "boot" when request.op == release
}
`;

/** A broker whose live policy two people approved, with a shadow's record and a log that two heads lie over. */
interface Told {
  readonly world: World;
  readonly size: number;
  readonly live: string;
  readonly entries: readonly StoredEntry[];
  readonly shadow: readonly ShadowDifference[];
  readonly older: StoredCheckpoint;
  readonly head: StoredCheckpoint;
}

let told: Told;
let other: Told;
beforeAll(async () => {
  [told, other] = [await toldOf("one"), await toldOf("other")];
});

interface Deed {
  readonly deed: "deleted" | "reordered" | "edited" | "forked" | "truncated";
  /** What finds it, on what somebody changed. */
  readonly found: () => Promise<unknown>;
  readonly code: string;
  readonly place: Readonly<Record<string, unknown>>;
}

const LOST = "ledger/inconsistent";
const ALTERED = "policy/shadow-altered";
const BROKEN = "store/malformed-backup";

const LEDGER: readonly Deed[] = [
  copy("deleted", (lines) => lines.toSpliced(6, 1), { place: "entry 5" }),
  copy("reordered", (lines) => lines.with(4, lines[9] ?? "").with(9, lines[4] ?? ""), { place: "entry 3" }),
  copy("edited", (lines) => lines.with(3, (lines[3] ?? "").replace('"v":1', '"v":2')), { place: "entry 2" }),
  copy("forked", async (lines) => lines.with(0, (await exportOf(logOf(12).toReversed()))[0] ?? ""), {
    place: "checkpoint",
  }),
  copy("truncated", (lines) => lines.slice(0, 8), { place: "entry 7" }),
];

const DATABASE: readonly Deed[] = [
  database("deleted", (all) => all.toSpliced(44, 1), { seq: 44 }),
  database("reordered", (all) => swapped(all, 300, 400), { entry: 300 }),
  database("edited", (all) => all.with(310, editedAt(all, 310)), { entry: 310 }),
  database("forked", (all) => all.map((entry) => (entry.seq < 512 ? entry : editedAt(all, entry.seq))), {
    entry: 512,
  }),
  database("truncated", (all) => all.slice(0, -7), { received: -7 }),
];

const CHECKPOINT: readonly Deed[] = [
  checkpoint("deleted", () => undefined, { place: "checkpoint" }),
  checkpoint("reordered", ({ head, older }) => ({ ...head, note: older.note }), {}),
  checkpoint("edited", ({ head }) => ({ ...head, note: head.note.replace(/.{8}(?=\n$)/, "AAAAAAAA") }), {}),
  checkpoint("forked", () => other.head, {}),
  checkpoint("truncated", ({ older }) => older, { place: "checkpoint" }),
];

const APPROVALS: readonly Deed[] = [
  approvals("deleted", () => []),
  approvals("reordered", (rows) => rows.map((row) => ({ ...row, envelope: rows[0]?.envelope ?? "" }))),
  approvals("edited", (rows) => rows.map((row) => ({ ...row, envelope: otherSignature(row.envelope) }))),
  approvals("forked", (rows, others) => rows.map((row, i) => (i === 0 ? (others[0] ?? row) : row))),
  approvals("truncated", (rows) => rows.slice(0, 1)),
];

const SHADOW: readonly Deed[] = [
  shadow("deleted", (rows) => rows.filter(({ seq }) => seq !== 9), { row: 9 }),
  shadow(
    "reordered",
    (rows) => rows.with(4, { ...rows[7], seq: 5 } as never).with(7, { ...rows[4], seq: 8 } as never),
    { row: 5 },
  ),
  shadow("edited", (rows) => rows.with(11, { ...rows[11], reason: "x" } as never), { row: 12 }),
  shadow(
    "forked",
    (rows) =>
      chained(
        rows.map((row) => ({ ...row, reason: "forged" })),
        undefined,
        sha,
      ),
    {},
  ),
  shadow("truncated", (rows) => rows.slice(0, -3), { row: 18 }),
];

const BACKUP: readonly Deed[] = [
  backup("deleted", ([a, b, , d]) => [a, b, d], { place: "part 2" }),
  backup("reordered", ([a, b, c, d]) => [a, c, b, d], { place: "part 1" }),
  backup("edited", ([a, b, c, d]) => [a, b?.with(-1, (b.at(-1) ?? 0) ^ 1), c, d], { place: "part 1" }),
  backup("forked", ([a, b, c], [, , , d]) => [a, b, c, d], { place: "part 3" }),
  backup("truncated", ([a, b, c]) => [a, b, c], { place: "part 3" }),
];

describe.each([
  ["a copy of the ledger, to `ledger verify`", LEDGER],
  ["the log in the database, to `store check`", DATABASE],
  ["the signed head, to `store check` and to a start", CHECKPOINT],
  ["the approvals of the live policy, to a start", APPROVALS],
  ["the record of a shadow, to `store check`", SHADOW],
  ["a backup, to `restore`", BACKUP],
] as const)("%s", (_, deeds) => {
  it.each(deeds)("is found $deed, and where", async ({ found, code, place }) => {
    const thrown = await found().then(
      () => undefined,
      (fault: unknown) => fault,
    );
    if (!isFault(thrown)) throw thrown ?? new Error("nothing was found");
    const { received } = place as { readonly received?: number };
    const expected = received === undefined ? place : { received: told.size + received };
    // What names no entry, row or part is the head, as `ledger verify` says it.
    const named = { place: "checkpoint", ...thrown.detail };
    expect([thrown.code, named]).toEqual([code, expect.objectContaining(expected)]);
  });
});

it("nothing is found where nobody did anything", async () => {
  await checkLog(told.world);
  await checkLedger(told.world);
  await checkShadow(told.world);
  await refuseAltered(anew({}));
  expect(await restored(await framesOf(0))).toHaveLength(4);
});

function copy(
  deed: Deed["deed"],
  change: (lines: readonly string[]) => readonly string[] | Promise<readonly string[]>,
  place: Deed["place"],
): Deed {
  const found = async () =>
    verifyExport(linesAsBytes(await change(await exportOf(logOf(12)))), KEY, nodePrimitives);
  return { deed, found, code: LOST, place };
}

function database(
  deed: Deed["deed"],
  change: (all: readonly StoredEntry[]) => readonly StoredEntry[],
  place: Deed["place"],
): Deed {
  const found = async () => {
    const all = change(told.entries);
    return checkLog(
      on({
        entries: async (from, limit) => all.filter(({ seq }) => seq >= from).slice(0, limit),
        ledgerSize: async () => (all.at(-1)?.seq ?? -1) + 1,
      }),
    );
  };
  return { deed, found, code: LOST, place };
}

function checkpoint(
  deed: Deed["deed"],
  change: (all: Told) => StoredCheckpoint | undefined,
  place: Deed["place"],
): Deed {
  const found = async () => {
    const hostile = on({ checkpoint: async () => change(told) });
    const [checked, started] = await Promise.allSettled([checkLog(hostile), checkLedger(hostile)]);
    if (started.status === "fulfilled") throw new Error("a broker started on it");
    if (checked.status === "rejected") throw checked.reason;
  };
  return { deed, found, code: LOST, place };
}

type Approvals = Awaited<ReturnType<Store["approvalsOf"]>>;

function approvals(deed: Deed["deed"], change: (rows: Approvals, others: Approvals) => Approvals): Deed {
  const found = async () => {
    const [rows, others] = [
      await told.world.store.approvalsOf(told.live),
      await other.world.store.approvalsOf(other.live),
    ];
    return refuseAltered(anew({ approvalsOf: async () => change(rows, others) }));
  };
  return { deed, found, code: "policy/altered", place: {} };
}

function shadow(
  deed: Deed["deed"],
  change: (rows: readonly ShadowDifference[]) => readonly ShadowDifference[],
  place: Deed["place"],
): Deed {
  const found = async () => {
    const rows = change(told.shadow);
    return checkShadow(
      on({ shadowDifferences: async (from, limit) => rows.filter(({ seq }) => seq >= from).slice(0, limit) }),
    );
  };
  return { deed, found, code: ALTERED, place };
}

/** The same statement, which somebody else might have signed. */
function otherSignature(envelope: string): string {
  const dsse = JSON.parse(envelope);
  const signatures = dsse.signatures.map((one: { readonly sig: string }) => ({
    ...one,
    sig: one.sig.replace(/^../, "AA"),
  }));
  return JSON.stringify({ ...dsse, signatures });
}

type Frames = readonly (Uint8Array | undefined)[];

function backup(
  deed: Deed["deed"],
  change: (frames: Frames, others: Frames) => Frames,
  place: Deed["place"],
): Deed {
  const found = async () => {
    const [one, two] = [await framesOf(0), await framesOf(1)];
    return restored({ ...one, frames: change(one.frames, two.frames) });
  };
  return { deed, found, code: BROKEN, place };
}

// ── what there is to be changed ─────────────────────────────────────────────────────────────────────────────────────

const ENTRIES = 600;

async function toldOf(name: string): Promise<Told> {
  const people = peopleAtHand({ approvals: 2, rootThreshold: 1 });
  const { world } = people.broker;
  const ada = people.add({ kid: "ada", roles: ["author", "operator"], owns: ["root"] });
  const approvers = ["ben", "cem"].map((kid) => people.add({ kid, roles: ["approver"] }));
  await beginEpoch(world);
  const live = await madeLive(ada, approvers, world);
  for (let i = 0; i < ENTRIES; i += 1) await world.store.appendEntry(adminDraft(`${name}-${i}`)); // in order: the log is
  await advanceCheckpoint(world);
  const older = await headOf(world);
  await keepShadow(world.store);
  await advanceCheckpoint(world);
  const size = await world.store.ledgerSize();
  const [entries, rows] = [await world.store.entries(0, size), await world.store.shadowDifferences(1, 100)];
  return { world, size, live, entries, shadow: rows, older, head: await headOf(world) };
}

async function headOf({ store }: World): Promise<StoredCheckpoint> {
  const kept = await store.checkpoint();
  if (kept === undefined) throw new Error("a head was kept");
  return kept;
}

async function madeLive(
  author: PersonAtHand,
  approvers: readonly PersonAtHand[],
  world: World,
): Promise<string> {
  const tar = packBundle([{ path: "test.writ", text: POLICY }], undefined, sha);
  const { digest } = await author.admin.proposeBundle({
    tar,
    signature: await signBundle(tar, author.signer),
  });
  const { serial, verdict } = await author.admin.reviewBundle(digest);
  const expires = addSeconds(world.now(), 3600);
  for (const { admin, signer } of approvers) {
    const statement = { decision: "approve", digest, serial, audience: AUDIENCE, expires, verdict } as const;
    await admin.approveBundle(digest, await signApproval(statement, signer)); // in order: each is a row
  }
  const order = { digest, serial: 1, audience: AUDIENCE, at: world.now(), roster: null };
  await author.admin.activateBundle(digest, await signActivation(order, author.signer));
  return digest;
}

async function keepShadow(store: Store): Promise<void> {
  for (const batch of [1, 2, 3, 4]) {
    const tail = await store.shadowTail();
    const first = (tail?.seq ?? 0) + 1;
    const rows = chained(
      Array.from({ length: 5 }, (_, i) => shadowRowOf(first + i)),
      tail,
      sha,
    );
    const act = { v: 1, kind: "admin", time: batch, actor: "broker", act: "shadow-differences" } as const;
    const subject = `rows ${first} to ${first + 4}`;
    await store.keepShadowDifferences(rows, { ...act, subject, digest: rows.at(-1)?.hash ?? "" }); // in order: a chain
  }
}

function on(store: Partial<Store>): World {
  return { ...told.world, store: { ...told.world.store, ...store } };
}

function anew(store: Partial<Store>): World {
  const base = on(store);
  return { ...base, ...governedParts(base) };
}

function swapped(all: readonly StoredEntry[], a: number, b: number): readonly StoredEntry[] {
  return all.with(a, { ...at(all, b), seq: a }).with(b, { ...at(all, a), seq: b });
}

function editedAt(all: readonly StoredEntry[], seq: number): StoredEntry {
  return { ...at(all, seq), draft: adminDraft("edited") };
}

function at(all: readonly StoredEntry[], seq: number): StoredEntry {
  const entry = all[seq];
  if (entry === undefined) throw new Error("the log is shorter");
  return entry;
}

const READER = Uint8Array.from({ length: 32 }, (_, i) => i);
const HEADER = utf8("header\n");

interface Sealed {
  readonly start: Uint8Array;
  readonly frames: Frames;
}

/** A backup of four pieces, part by part. */
async function framesOf(number: number): Promise<Sealed> {
  const recipient = await HPKE_XWING.kem.publicKeyOf(READER, nodePrimitives);
  const pieces = async function* () {
    for (const piece of ["one", "two", "three", "four"]) yield utf8(`${piece} ${number}`);
  };
  const parts: Uint8Array[] = [];
  const plan = { recipient, header: HEADER, random };
  for await (const part of sealStream(pieces(), plan, nodePrimitives)) parts.push(part);
  const [start = new Uint8Array(0), ...frames] = parts;
  return { start, frames };
}

async function restored({ start, frames }: Sealed): Promise<readonly string[]> {
  const file = concatBytes(start, ...frames.flatMap((frame) => frame ?? []));
  let read = 0;
  const exactly = async (size: number): Promise<Uint8Array> => {
    read += size;
    return file.slice(read - size, read);
  };
  const pieces: string[] = [];
  const by = { privateKey: READER, header: HEADER };
  for await (const piece of openStream(exactly, by, nodePrimitives)) pieces.push(hexOf(piece));
  return pieces;
}
