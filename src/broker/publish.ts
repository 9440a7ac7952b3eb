/** Where do others find the newest head, without asking this broker? Put there after it was signed; whoever is slow or away delays nobody. */
import { isPaused, longer, type Pause } from "./pause.ts";
import type { Anchor, World } from "./world.ts";

export interface PublicationPlan {
  /** How an operator knows it: a path or an address. */
  readonly name: string;
  /** Ends by itself, within seconds. Throws whatever kept the head from being there. */
  readonly put: (note: string) => Promise<void>;
}

/** Makes it, as what is told each head and remembers none: one is under way at most, and a failure is followed by a pause. */
export function createPublication({ name, put }: PublicationPlan): Anchor {
  let published: string | undefined;
  let pause: Pause | undefined;
  let isBusy = false;
  const publish = async (note: string, world: World): Promise<void> => {
    try {
      await put(note);
      published = note;
      pause = undefined;
      world.meter.count("ledger_publications", { outcome: "published" });
    } catch (thrown) {
      pause = longer(pause, world.now());
      world.meter.count("ledger_publications", { outcome: "failed" });
      const reason = thrown instanceof Error ? thrown.message : "unknown";
      world.log("error", "head-not-published", { place: name, reason });
    }
  };
  return {
    name: `publication ${name}`,
    check: async () => undefined,
    keep: async (note, world) => {
      if (isBusy || note === published || isPaused(pause, world.now())) return;
      isBusy = true;
      void publish(note, world).finally(() => {
        isBusy = false;
      });
    },
  };
}
