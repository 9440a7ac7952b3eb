/** What does a broker take anew without a restart? Its TLS certificate; one that cannot be read leaves the one that is there. */
import { Fault } from "../../base/fault.ts";
import type { RunningBroker } from "./broker.ts";

/** Never throws: what went wrong is a line of the log. */
export function reloaded({ world, reload }: RunningBroker): void {
  try {
    reload();
    world.log("info", "reloaded");
  } catch (thrown) {
    world.log("error", "reload-failed", { reason: thrown instanceof Fault ? thrown.message : "unknown" });
  }
}
