/** Which tables hold what a broker remembers, and what orders the rows of each? `schema_migration` is the database's own. */
import type { Column } from "drizzle-orm/column";
import type { Table } from "drizzle-orm/table";
import { credentialUse, drill, finding, findingScan, guest } from "./schema-findings.ts";
import {
  advisory,
  gainExplanation,
  policyApproval,
  requestApproval,
  rosterChange,
  shadowDifference,
  shadowOrder,
  waitingRequest,
} from "./schema-governance.ts";
import * as schema from "./schema-sqlite.ts";

export interface KeptTable {
  readonly table: Table;
  /** The primary key: rows differ in it, and every database orders them by it alike. */
  readonly key: readonly Column[];
}

const {
  nonceSpend,
  decision,
  counterUse,
  attempt,
  refusal,
  ledgerEntry,
  checkpoint,
  ledgerTile,
  bundle,
  activation,
  secretVersion,
  secretSetting,
  secretReader,
  secretLease,
  importKey,
  adminRequest,
  nonceEpoch,
  endorsement,
  tokenAudience,
  tokenKey,
  dpopProof,
  tokenRevocation,
  kbsSession,
  meta,
} = schema;

/** A table stands behind those that it refers to; `meta`, which says whose database it is, is the last. */
export const KEPT_TABLES: readonly KeptTable[] = [
  { table: nonceSpend, key: [nonceSpend.kid, nonceSpend.rand] },
  { table: decision, key: [decision.seq] },
  { table: counterUse, key: [counterUse.key, counterUse.windowSeconds, counterUse.at] },
  { table: attempt, key: [attempt.reportId, attempt.resource, attempt.at] },
  { table: refusal, key: [refusal.id] },
  { table: ledgerEntry, key: [ledgerEntry.seq] },
  { table: checkpoint, key: [checkpoint.id] },
  { table: ledgerTile, key: [ledgerTile.level, ledgerTile.position] },
  { table: bundle, key: [bundle.digest] },
  { table: activation, key: [activation.serial] },
  { table: gainExplanation, key: [gainExplanation.id] },
  { table: shadowOrder, key: [shadowOrder.serial] },
  { table: shadowDifference, key: [shadowDifference.seq] },
  { table: policyApproval, key: [policyApproval.id] },
  { table: rosterChange, key: [rosterChange.serial] },
  { table: advisory, key: [advisory.serial] },
  { table: waitingRequest, key: [waitingRequest.request] },
  { table: requestApproval, key: [requestApproval.id] },
  { table: secretVersion, key: [secretVersion.path, secretVersion.version] },
  { table: secretSetting, key: [secretSetting.path] },
  { table: secretReader, key: [secretReader.path, secretReader.version, secretReader.reader] },
  { table: secretLease, key: [secretLease.path] },
  { table: importKey, key: [importKey.id] },
  { table: adminRequest, key: [adminRequest.kid, adminRequest.jti] },
  { table: nonceEpoch, key: [nonceEpoch.kid] },
  { table: endorsement, key: [endorsement.key] },
  { table: tokenAudience, key: [tokenAudience.name] },
  { table: tokenKey, key: [tokenKey.serial] },
  { table: dpopProof, key: [dpopProof.jkt, dpopProof.jti] },
  { table: tokenRevocation, key: [tokenRevocation.decision] },
  { table: kbsSession, key: [kbsSession.id] },
  { table: finding, key: [finding.id, finding.episode] },
  { table: findingScan, key: [findingScan.name] },
  { table: credentialUse, key: [credentialUse.name] },
  { table: drill, key: [drill.id] },
  { table: guest, key: [guest.id] },
  { table: meta, key: [meta.name] },
];
