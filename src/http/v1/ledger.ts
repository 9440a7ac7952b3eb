/** `/v1/ledger/…`: the signed head of the log and its leaves. */
import { Fault } from "../../base/fault.ts";
import { advanceCheckpoint } from "../../broker/checkpoints.ts";
import { ledgerEntries } from "../../broker/leaves.ts";
import { encodeEntry } from "../../ledger/entry.ts";
import { encodeLedgerPage, LEDGER_PAGE, MAX_PAGE_ENTRIES } from "../../wire/ledger.ts";
import type { Route } from "../route.ts";

export const checkpointRoute: Route = {
  method: "GET",
  path: "/v1/ledger/checkpoint",
  summary: "The signed head of the log (C2SP tlog-checkpoint)",
  audience: "ledger-reader",
  serve: async (_incoming, { world }) => ({
    contentType: "text/plain; charset=utf-8",
    body: await advanceCheckpoint(world),
  }),
};

export const entriesRoute: Route = {
  method: "GET",
  path: "/v1/ledger/entries",
  summary: `Consecutive leaves as the bytes that were hashed; at most ${MAX_PAGE_ENTRIES} from position \`from\` on`,
  audience: "ledger-reader",
  query: ["from", "limit"],
  answer: LEDGER_PAGE,
  serve: async ({ query }, { world }) => {
    const from = countOf(query.get("from") ?? "0");
    const limit = Math.min(countOf(query.get("limit") ?? String(MAX_PAGE_ENTRIES)), MAX_PAGE_ENTRIES);
    const entries = limit === 0 ? [] : await ledgerEntries({ from, limit }, world);
    const size = await world.store.ledgerSize();
    return { body: encodeLedgerPage({ from, size, entries: entries.map(encodeEntry) }) };
  },
};

/** A whole number of a query. @throws {@link Fault} `request/malformed`. */
export function countOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Fault("request/malformed", "expected a whole number in the query");
}
