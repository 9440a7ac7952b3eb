/** Is what is live what the declared sources say? Compared by meaning where bytes differ, and only when one of the two has changed. */
import { hexOf, utf8 } from "../../base/bytes.ts";
import { canonicalJson } from "../../base/canonical-json.ts";
import type { Look, Scan } from "../../broker/finding-scan.ts";
import type { Store } from "../../broker/store.ts";
import type { World } from "../../broker/world.ts";
import type { BundleSide } from "../../policy/bundle.ts";
import type { Drift, PolicyFiles } from "../../policy/drift.ts";
import { type Declared, DRIFT_CLASS, DRIFT_SUBJECT, driftSighting } from "./drift-sighting.ts";
import { plantedDrifts } from "./drills.ts";

export interface PolicyScanPorts extends Pick<World, "primitives" | "liveBundle" | "log"> {
  readonly store: Pick<Store, "liveActivation" | "drills">;
  readonly owner: string;
  /** Absent where nothing is declared to this broker. What it throws means that nobody can say what is. */
  readonly declared?: (() => Promise<Declared>) | undefined;
}

/** What two sets of files came to, the last time that they were compared. */
interface Compared {
  readonly key: string;
  readonly drift: Drift;
}

export function createPolicyScan(ports: PolicyScanPorts, everySeconds: number): Scan {
  let last: Compared | undefined;
  const compare = async (declared: PolicyFiles, live: PolicyFiles): Promise<Drift> => {
    const key = canonicalJson([digestsOf(declared, ports), digestsOf(live, ports)]);
    if (last?.key === key) return last.drift;
    const { driftOf } = await import("../../policy/drift.ts");
    last = { key, drift: driftOf(declared, live, ports.primitives.digest) };
    return last.drift;
  };
  return {
    name: "policy",
    everySeconds,
    look: async (at) => {
      const planted = await plantedDrifts(await ports.store.drills(at), ports);
      const look = await looked(ports, compare);
      return [{ ...look, seen: [...look.seen, ...planted] }];
    },
  };
}

function digestsOf(files: PolicyFiles, { primitives }: PolicyScanPorts): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...files].map(([path, bytes]) => [path, hexOf(primitives.digest("sha256", bytes))]),
  );
}

type Compare = (declared: PolicyFiles, live: PolicyFiles) => Promise<Drift>;

async function looked(ports: PolicyScanPorts, compare: Compare): Promise<Look> {
  const nothing = { class: DRIFT_CLASS, seen: [], passed: [], blind: [], isWhole: true };
  if (ports.declared === undefined) return nothing;
  const declared = await readBy(ports.declared, ports);
  if (declared === undefined) return { ...nothing, blind: [DRIFT_SUBJECT] };
  const [activation, bundle] = [await ports.store.liveActivation(), await ports.liveBundle()];
  const drift = await compare(declared.files, bytesOf(bundle?.side.files ?? new Map()));
  if (drift.kind === "none") return { ...nothing, passed: [DRIFT_SUBJECT] };
  return {
    ...nothing,
    seen: [driftSighting(declared, drift, { owner: ports.owner, liveAt: activation?.at })],
  };
}

function bytesOf(files: BundleSide["files"]): PolicyFiles {
  return new Map([...files].map(([path, text]) => [path, typeof text === "string" ? utf8(text) : text]));
}

async function readBy(
  read: () => Promise<Declared>,
  { log }: PolicyScanPorts,
): Promise<Declared | undefined> {
  try {
    return await read();
  } catch (thrown) {
    log("error", "declared-policy-unreadable", {
      reason: thrown instanceof Error ? thrown.message : "unknown",
    });
    return undefined;
  }
}
