/** What is a scan, and what does it say? It looks at subjects, and tells which of them are not good, which are, and which it could not see. */
import type { Instant } from "../base/time.ts";
import type { Sighting } from "../wire/finding-messages.ts";

/** Something that looks. It writes nothing: what it saw is recorded by `findings.ts`. */
export interface Scan {
  readonly name: string;
  /** How long after a turn the next one is due. */
  readonly everySeconds: number;
  /** What it throws means that it could not look at all, which proves nothing. */
  readonly look: (at: Instant) => Promise<readonly Look[]>;
}

/** What a scan saw of one class of findings. A subject that stands nowhere here was not looked at. */
export interface Look {
  readonly class: string;
  readonly seen: readonly Sighting[];
  /** Subjects that were looked at and are good: a finding of one of them ends here. */
  readonly passed: readonly string[];
  /** Subjects that could not be looked at: their findings stay as they are. */
  readonly blind: readonly string[];
  /** Whether these are all subjects that there are: a finding of one that is not among them ends as well, since it is gone. */
  readonly isWhole: boolean;
}
