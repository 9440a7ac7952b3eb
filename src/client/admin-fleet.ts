/** What can an admin's program ask about guests? Typed calls, like those of `admin.ts`. */
import { Fault } from "../base/fault.ts";
import { decodeFleetPage } from "../wire/fleet.ts";
import type { FleetPage } from "../wire/fleet-messages.ts";
import type { AdminCall } from "./admin-secrets.ts";

export interface FleetCalls {
  /** The guests that came, a page at a time: those behind `after`; with a resource, whether each would be given it. */
  readonly fleetPage: (after: string | undefined, resource?: string) => Promise<FleetPage>;
  /** One guest, by the whole of its `report.id`. */
  readonly showGuest: (id: string) => Promise<FleetPage>;
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
  };
}

const FLEET = "/v1/admin/fleet";
