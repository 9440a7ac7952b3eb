/** When was a credential used? Read off decisions and entries of the log, a page at each turn, and kept by name. */
import { canonicalJson, type JsonObject, type JsonValue } from "../../base/canonical-json.ts";
import { isJsonObject } from "../../base/shape.ts";
import { addSeconds, type Instant, instant } from "../../base/time.ts";
import type { CredentialStore, CredentialUse } from "../../broker/credential-store.ts";
import { settle } from "../../broker/settle.ts";
import type { Store, StoredDecision } from "../../broker/store.ts";
import type { World } from "../../broker/world.ts";
import { factsOfTold } from "../../policy/told-facts.ts";
import type { Facts } from "../../writ/facts.ts";
import { leafName } from "./leaf-name.ts";

/** What decisions tell of a certificate that the broker does not have. */
export type LeafUse = {
  readonly kind: "vcek" | "vlek";
  readonly product: string;
  /** Unix seconds. */
  readonly notAfter: number;
};

type UseStore = Pick<Store, "meta" | "putMeta" | "entries" | "decisionsFrom" | "noteUses">;

/** How far the log was read for uses. */
const CURSOR = "uses-read";
const PAGE = 200;
/** A database may count each statement of a batch. */
const BATCH = 16;

/** Reads on where the last turn ended. What another broker read meanwhile is read again, which changes nothing. */
export async function readUses(store: UseStore, pages: number, chipIds?: World["chipIds"]): Promise<void> {
  for (let page = 0; page < pages; page += 1) {
    const kept = await store.meta(CURSOR); // in order: page after page
    const from = /^\d{1,15}$/.test(kept ?? "") ? Number(kept) : 0;
    const entries = await store.entries(from, PAGE);
    if (entries.length === 0) return;
    const end = from + entries.length;
    const decisions = (await store.decisionsFrom(from, PAGE)).filter(({ seq }) => seq < end);
    const uses = [
      ...entries.map(settle).flatMap(adminUse),
      ...decisions.flatMap((one) => decisionUses(one, chipIds)),
    ];
    const joined = joinedUses(uses);
    for (let at = 0; at < joined.length; at += BATCH) await store.noteUses(joined.slice(at, at + BATCH));
    if (!(await store.putMeta(CURSOR, kept, String(end)))) return;
  }
}

function adminUse(entry: ReturnType<typeof settle>): readonly CredentialUse[] {
  return entry.kind === "admin" ? [useAt(`admin-key/${entry.actor}`, instant(entry.time))] : [];
}

function useAt(name: string, at: Instant, about = ""): CredentialUse {
  return { name, firstAt: at, lastAt: at, about };
}

/** What of a decision is read here: the rest of its facts would cost more than it tells. */
const READ = new Set([
  "product",
  "report.chip_id",
  "endorsement.kind",
  "endorsement.tcb",
  "endorsement.csp_id",
  "endorsement.not_after_in",
]);

/** One chip, whatever it asked for; and each audience that it was given a token for. */
function decisionUses(stored: StoredDecision, chipIds: World["chipIds"]): readonly CredentialUse[] {
  const told = Object.entries(factsIn(chipIds?.show(stored.trace) ?? stored.trace)).filter(([name]) =>
    READ.has(name),
  );
  const facts = factsOfTold(Object.fromEntries(told));
  return [...(facts === undefined ? [] : leafUses(facts, stored.at, chipIds)), ...audienceUses(stored)];
}

/** A trace is this broker's own; whoever altered it has changed when something was used, and nothing else. */
function factsIn(trace: string): JsonObject {
  try {
    const items: JsonValue = JSON.parse(trace);
    const [item] = Array.isArray(items) ? items : [];
    const told = isJsonObject(item) ? item["facts"] : undefined;
    return isJsonObject(told) ? told : {};
  } catch {
    return {};
  }
}

function leafUses(facts: Facts, at: Instant, chipIds: World["chipIds"]): readonly CredentialUse[] {
  const kind = facts.get("endorsement.kind");
  const product = facts.get("product");
  const left = facts.get("endorsement.not_after_in");
  const tcb = facts.get("endorsement.tcb");
  const holder = facts.get(kind === "vlek" ? "endorsement.csp_id" : "report.chip_id") ?? "masked";
  const isLeaf =
    (kind === "vcek" || kind === "vlek") && typeof product === "string" && typeof left === "number";
  if (!isLeaf || typeof holder !== "string") return [];
  const about: LeafUse = { kind, product, notAfter: addSeconds(at, Math.round(left / 1000)) };
  const name = leafName(kind, { product, holder: chipIds?.hide(holder) ?? holder, tcb: tcbText(tcb) });
  return [useAt(name, at, canonicalJson(about))];
}

function tcbText(tcb: unknown): string {
  const level = (name: string): string => {
    const value = typeof tcb === "object" && tcb !== null ? Reflect.get(tcb, name) : undefined;
    return typeof value === "number" ? String(value) : "-";
  };
  return ["fmc", "bootloader", "tee", "snp", "microcode"].map(level).join(".");
}

function audienceUses(stored: StoredDecision): readonly CredentialUse[] {
  const entry = settle(stored);
  if (entry.kind !== "decision") return [];
  return entry.items.flatMap(({ resource, outcome }) => {
    const [room, name, ...more] = resource.split("/");
    const isToken = outcome === "allow" && room === "token" && name !== undefined && more.length === 0;
    return isToken ? [useAt(`audience/${name}`, stored.at)] : [];
  });
}

function joinedUses(uses: readonly CredentialUse[]): readonly CredentialUse[] {
  const joined = new Map<string, CredentialUse>();
  for (const use of uses) {
    const known = joined.get(use.name);
    joined.set(use.name, known === undefined ? use : later({ ...use, firstAt: known.firstAt }, known));
  }
  return [...joined.values()];
}

/** The log is in the order of its entries, and not quite in that of its times. */
function later(use: CredentialUse, known: CredentialUse): CredentialUse {
  const [firstAt, lastAt] = [Math.min(use.firstAt, known.firstAt), Math.max(use.lastAt, known.lastAt)];
  return { ...use, firstAt: instant(firstAt), lastAt: instant(lastAt) };
}

/** Every use that is kept. */
export async function allUses(
  store: Pick<CredentialStore, "credentialUses">,
): Promise<readonly CredentialUse[]> {
  const all: CredentialUse[] = [];
  for (let after = ""; ; ) {
    const page = await store.credentialUses(after, PAGE); // in order: page after page
    all.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return all;
    after = last.name;
  }
}
