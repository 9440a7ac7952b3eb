/** Which events do tests of sinks send? Those of acts of an admin, one for each place in a log. */

import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { type AuditEvent, auditEventOf } from "../../src/wire/audit-event.ts";
import { adminDraft } from "../contract/store/examples.ts";

const BY = { audience: "https://broker.example/c/0001", digest: nodePrimitives.digest };

export function eventsOf(from: number, count: number): readonly AuditEvent[] {
  return Array.from({ length: count }, (_, i) =>
    auditEventOf({ ...adminDraft("secret-put"), seq: from + i }, BY),
  );
}
