/** What looks after a broker? Its scans, its inventory of credentials, and what its findings come to; none of it is loaded before it is due. */
import type { Scan } from "../broker/finding-scan.ts";
import type { Posture } from "../broker/posture.ts";
import type { InventoryPorts } from "./credentials/ports.ts";
import type { PolicyScanPorts } from "./policy/scan.ts";

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
      scanOf("credentials", everySeconds, async () =>
        (await import("./credentials/scan.ts")).createCredentialScan(ports, everySeconds),
      ),
      scanOf("fleet", everySeconds, async () =>
        (await import("./fleet/scan.ts")).createFleetScan(
          { ...ports, owner: ports.ownerOf("guest") },
          everySeconds,
        ),
      ),
      scanOf("policy", everySeconds, async () =>
        (await import("./policy/scan.ts")).createPolicyScan(
          { ...ports, owner: ports.ownerOf("policy") },
          everySeconds,
        ),
      ),
    ],
    credentials: async (now) => (await import("./credentials/inventory.ts")).inventoryOf(ports, now),
    report: async (findings, scans, window) => {
      const [{ reportOf }, { withReplays }] = await Promise.all([
        import("./report.ts"),
        import("./guard-replay.ts"),
      ]);
      return withReplays(reportOf(findings, scans, window), ports);
    },
  };
}

/** A scan that is made when it is first due. */
function scanOf(name: string, everySeconds: number, make: () => Promise<Scan>): Scan {
  let made: Promise<Scan> | undefined;
  return {
    name,
    everySeconds,
    look: async (at) => {
      made ??= make();
      return (await made).look(at);
    },
  };
}
