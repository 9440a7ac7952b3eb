/** What is an advisory in a test? One bulletin about Milan and Genoa, which a test changes; and the one that the project ships. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Advisory, type Bulletin, type Figure, parseAdvisorySource } from "../../src/policy/advisory.ts";

export const SHIPPED_FILE = join(import.meta.dirname, "../../policies/advisories/amd.json");

/** The data as it lies in the project. */
export function shippedAdvisory(): Advisory {
  return parseAdvisorySource(Uint8Array.from(readFileSync(SHIPPED_FILE)));
}

export function figure(line: string, component: string, least: number, more: Partial<Figure> = {}): Figure {
  return { line, component, least, sure: "derived", source: "made up", ...more };
}

export const PUBLISHED = { date: "2025-02-03", sure: "reported", source: "made up" } as const;

export function bulletin(changes: Partial<Bulletin> = {}): Bulletin {
  return {
    id: "AMD-SB-3019",
    title: "EntrySign",
    cves: ["CVE-2024-56161"],
    published: PUBLISHED,
    floors: [figure("milan", "snp", 24), figure("milan", "microcode", 219), figure("genoa", "microcode", 84)],
    beyond: [],
    ...changes,
  };
}

export function advisory(changes: Partial<Advisory> = {}): Advisory {
  return { serial: 1, issued: "2026-11-01", bulletins: [bulletin()], withdrawn: [], ...changes };
}
