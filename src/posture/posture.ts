/** What looks after a broker? Its scans, its inventory of credentials, and what its findings come to. */
import type { Posture } from "../broker/posture.ts";
import { inventoryOf } from "./credentials/inventory.ts";
import type { InventoryPorts } from "./credentials/ports.ts";
import { createCredentialScan } from "./credentials/scan.ts";
import { createFleetScan } from "./fleet/scan.ts";
import { withReplays } from "./guard-replay.ts";
import { createPolicyScan, type PolicyScanPorts } from "./policy/scan.ts";
import { reportOf } from "./report.ts";

export interface PosturePorts extends InventoryPorts {
  /** From this age on what is known of AMD's bulletins is old; absent, it never is. */
  readonly advisorySeconds?: number;
  /** Sources that are declared to be what is live; absent where nobody declares any. */
  readonly declared?: PolicyScanPorts["declared"];
}

/** A further scan is a line here: whatever makes a `Scan` of these ports. */
export function createPosture(ports: PosturePorts, everySeconds: number): Posture {
  return {
    scans: [
      createCredentialScan(ports, everySeconds),
      createFleetScan({ ...ports, owner: ports.ownerOf("guest") }, everySeconds),
      createPolicyScan({ ...ports, owner: ports.ownerOf("policy") }, everySeconds),
    ],
    credentials: (now) => inventoryOf(ports, now),
    report: async (findings, scans, window) => withReplays(reportOf(findings, scans, window), ports),
  };
}
