/** Does a key server that asked for patience get it, from every broker on this database and after a restart too? */
import { Fault, isFault } from "../base/fault.ts";
import { addSeconds, type Instant } from "../base/time.ts";
import type { Store } from "./store.ts";
import type { EndorsementSource } from "./world.ts";

export interface PatientParts {
  readonly source: EndorsementSource;
  readonly store: Pick<Store, "meta" | "putMeta">;
  readonly now: () => Instant;
}

/** Until when nobody asks, in Unix seconds. */
const QUIET_UNTIL = "kds-quiet-until";
/** Whatever was written there: no server is left alone for longer. */
const MAX_SECONDS = 600;

/** The same source; what it says about patience is kept in the database, and looked for before it is asked. */
export function createPatientSource({ source, store, now }: PatientParts): EndorsementSource {
  const asked = async <T>(ask: () => Promise<T>): Promise<T> => {
    await refuseImpatience();
    try {
      return await ask();
    } catch (thrown) {
      const seconds = isFault(thrown, "endorsement/unavailable") ? thrown.detail["patience"] : undefined;
      if (typeof seconds === "number") await keep(seconds);
      throw thrown;
    }
  };
  return {
    vcek: (product, chipId, tcb) => asked(() => source.vcek(product, chipId, tcb)),
    intermediates: (product, kind) => asked(() => source.intermediates(product, kind)),
    crl: (product, kind) => asked(() => source.crl(product, kind)),
  };

  async function refuseImpatience(): Promise<void> {
    const left = quietUntil(await store.meta(QUIET_UNTIL)) - now();
    if (left <= 0 || left > MAX_SECONDS) return;
    throw new Fault("endorsement/unavailable", "AMD's key server asked for patience");
  }

  /** The later moment wins, whoever writes it. */
  async function keep(seconds: number): Promise<void> {
    const until = addSeconds(now(), Math.min(Math.ceil(seconds), MAX_SECONDS));
    for (;;) {
      const kept = await store.meta(QUIET_UNTIL); // in order: another broker may have written in between
      if (quietUntil(kept) >= until) return;
      if (await store.putMeta(QUIET_UNTIL, kept, String(until))) return;
    }
  }
}

function quietUntil(text: string | undefined): number {
  return /^\d{1,12}$/.test(text ?? "") ? Number(text) : 0;
}
