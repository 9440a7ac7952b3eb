/** What keeps a head and makes way when a backup is restored? */
import type { HeadKeeper } from "../../broker/world.ts";

/** One that the operator of this machine holds, so that `restore` can move it on purpose. */
export interface MovableKeeper extends HeadKeeper {
  /** As an anchor: how an operator knows it. */
  readonly name: string;
  /** The head that a restore gives up, also where one that did not end gave it up already. */
  readonly lost: () => Promise<string | undefined>;
  /** Lets the restored database be the newest. Called again it changes nothing. */
  readonly letGo: () => Promise<void>;
}
