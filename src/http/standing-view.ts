/** How does this broker stand, for whoever asks often? One look serves all who ask within some seconds, and a part keeps the time it changed. */
import type { Instant } from "../base/time.ts";
import { type Figure, type Part, type Standing, standingOf } from "../broker/standing.ts";
import type { World } from "../broker/world.ts";

/** A part with the time since when it is as it is, as far as this process saw. */
export interface KnownPart extends Part {
  readonly since: Instant;
}

export interface KnownStanding {
  readonly parts: readonly KnownPart[];
  readonly figures: readonly Figure[];
}

export interface ViewParts {
  readonly sinks: readonly string[];
  readonly milliseconds: () => number;
  /** What the platform knows besides: certificates of its listener. */
  readonly more?: () => Standing;
}

/** Whoever asks without end costs the database a look in so long, and no more. */
const VIEW_MS = 5000;

export function createStandingView(
  world: World,
  { sinks, milliseconds, more }: ViewParts,
): () => Promise<KnownStanding> {
  const since = new Map<string, { readonly state: Part["state"]; readonly at: Instant }>();
  let view: { readonly at: number; readonly standing: Promise<KnownStanding> } | undefined;
  const known = (part: Part): KnownPart => {
    const before = since.get(part.part);
    const at = before?.state === part.state ? before.at : world.now();
    since.set(part.part, { state: part.state, at });
    return { ...part, since: part.since ?? at };
  };
  const look = async (): Promise<KnownStanding> => {
    const looked = await standingOf(world, sinks);
    const beside = more?.() ?? { parts: [], figures: [] };
    return {
      parts: [...looked.parts, ...beside.parts].map(known),
      figures: [...looked.figures, ...beside.figures],
    };
  };
  return () => {
    if (view === undefined || milliseconds() >= view.at + VIEW_MS)
      view = { at: milliseconds(), standing: look() };
    return view.standing;
  };
}
