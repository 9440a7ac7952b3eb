/** What does a broker do without being asked? Signed heads, times of secrets, forgotten rows. */
import { addSeconds } from "../../base/time.ts";
import { runDueScans } from "../../broker/findings.ts";
import { forgetSome } from "../../broker/forgotten.ts";
import { refreshAhead } from "../../broker/refresh.ts";
import { keepHead } from "../../broker/rollback.ts";
import { keepSecretTimes } from "../../broker/secret-life.ts";
import { createFiller } from "../../broker/tiles.ts";
import { isSealed } from "../../broker/unseal.ts";
import type { World } from "../../broker/world.ts";

const CHECKPOINT_MS = 1000;
const PRUNE_MS = 600_000;
/** How late a due destruction or rotation may be. */
const SECRET_TIMES_MS = 10_000;
/** How late a scan that is due may be. */
const SCANS_MS = 5000;
const REFRESH_MS = 60_000;
const REFUSALS_KEPT_SECONDS = 30 * 86_400;

/** A failure is logged and tried again at the next turn. @returns What ends it. */
export function startHousekeeping(world: World): () => void {
  const run = (event: string, work: () => Promise<unknown>) => () => {
    if (isSealed(world)) return; // which also forgets shares that waited too long
    work().catch((thrown: unknown) => {
      world.log("error", event, { reason: thrown instanceof Error ? thrown.message : "unknown" });
    });
  };
  const fill = createFiller(1, world.log);
  const timers = [
    setInterval(
      run("checkpoint-failed", () => keepHead(world)),
      CHECKPOINT_MS,
    ),
    setInterval(
      run("filling-failed", () => fill(world)),
      CHECKPOINT_MS,
    ),
    setInterval(
      run("forgetting-failed", () => forgetSome(world)),
      CHECKPOINT_MS,
    ),
    setInterval(
      run("secret-times-failed", () => keepSecretTimes(world)),
      SECRET_TIMES_MS,
    ),
    setInterval(
      run("scans-failed", () => runDueScans(world.posture?.scans ?? [], world)),
      SCANS_MS,
    ),
    setInterval(
      run("refresh-failed", () => refreshAhead(world)),
      REFRESH_MS,
    ),
    setInterval(
      run("prune-failed", async () => {
        const now = world.now();
        await world.store.prune(now, addSeconds(now, -REFUSALS_KEPT_SECONDS));
      }),
      PRUNE_MS,
    ),
  ];
  for (const timer of timers) timer.unref();
  return () => timers.forEach(clearInterval);
}
