/** What does `ostiary measure` need of its platform? */
import type { Primitives } from "../../base/primitives.ts";
import type { Instant } from "../../base/time.ts";
import type { IdKey } from "../../measurement/id-block.ts";
import type { Terminal } from "../command.ts";

export interface MeasureEdges {
  readonly primitives: Primitives;
  readonly now: () => Instant;
  /** A private key of a PEM file. @throws {@link Fault} `file/unusable`. */
  readonly readKey: (path: string, terminal: Terminal) => Promise<IdKey>;
}
