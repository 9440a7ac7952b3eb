/** What can an admin's program ask about guests, and about what AMD's bulletins ask of their firmware? Typed calls, like those of `admin.ts`. */
import { Fault } from "../base/fault.ts";
import { type AdvisoryView, decodeAdvisoryView, encodeAdvisoryImport } from "../wire/advisory.ts";
import { decodeFleetPage } from "../wire/fleet.ts";
import type { FleetPage } from "../wire/fleet-messages.ts";
import type { AdminCall } from "./admin-secrets.ts";

export interface FleetCalls {
  /** The guests that came, a page at a time: those behind `after`; with a resource, whether each would be given it. */
  readonly fleetPage: (after: string | undefined, resource?: string) => Promise<FleetPage>;
  /** One guest, by the whole of its `report.id`. */
  readonly showGuest: (id: string) => Promise<FleetPage>;
  /** The newest edition of the advisory data. */
  readonly advisory: () => Promise<AdvisoryView>;
  /** An edition that was signed; answers it as it is kept. */
  readonly importAdvisory: (envelope: string) => Promise<AdvisoryView>;
}

export function fleetCalls(call: AdminCall): FleetCalls {
  return {
    fleetPage: async (after, resource) => {
      const given = {
        ...(after === undefined ? {} : { after }),
        ...(resource === undefined ? {} : { resource }),
      };
      const query = new URLSearchParams(given).toString();
      return decodeFleetPage(await call("GET", query === "" ? FLEET : `${FLEET}?${query}`));
    },
    showGuest: async (id) => {
      if (/^[0-9a-f]{64}$/.test(id)) return decodeFleetPage(await call("GET", `${FLEET}/${id}`));
      throw new Fault("request/malformed", "expected the id of a guest, 64 hex digits");
    },
    advisory: async () => decodeAdvisoryView(await call("GET", ADVISORY)),
    importAdvisory: async (envelope) =>
      decodeAdvisoryView(await call("PUT", ADVISORY, encodeAdvisoryImport(envelope))),
  };
}

const FLEET = "/v1/admin/fleet";
const ADVISORY = "/v1/admin/advisory";
