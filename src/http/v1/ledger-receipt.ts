/** `/v1/ledger/receipt`: what a guest keeps of its own release, whoever may read the log. */
import { Fault } from "../../base/fault.ts";
import { receiptOf } from "../../broker/receipts.ts";
import type { Route } from "../route.ts";

export const receiptRoute: Route = {
  method: "GET",
  path: "/v1/ledger/receipt",
  summary:
    "The entry of `decision` with what shows it to be in the log (C2SP tlog-proof), for whoever knows the SHA-256 of its `evidence`; `ostiary-witnesses` says how many cosigned it, of how many",
  audience: "anyone",
  query: ["decision", "evidence"],
  isRateLimited: true,
  serve: async ({ query }, { world }) => {
    const [decision, evidenceHash] = [query.get("decision") ?? "", query.get("evidence") ?? ""];
    if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(decision) || !/^[0-9a-f]{64}$/.test(evidenceHash)) {
      throw new Fault(
        "request/malformed",
        "expected the id of a decision, and a hash as 64 lower-case hex digits",
      );
    }
    const { text, witnesses, wanted } = await receiptOf({ decision, evidenceHash }, world);
    return {
      contentType: "text/plain; charset=utf-8",
      headers: { "ostiary-witnesses": `${witnesses}/${wanted}` },
      body: text,
    };
  },
};
