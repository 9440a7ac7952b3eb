/** What is told of scans, of credentials and of the figures of findings? What `posture` makes of what is stored. */
import { Fault } from "../base/fault.ts";
import type { Instant } from "../base/time.ts";
import type { CredentialPage } from "../wire/credentials.ts";
import type { FindingReport, ScanSummary } from "../wire/finding-messages.ts";
import { findingsSince, runAllScans } from "./findings.ts";
import type { Posture } from "./posture.ts";
import type { World } from "./world.ts";

/** The newest turn of each scan of this broker. */
export async function listScans(world: World): Promise<readonly ScanSummary[]> {
  const records = new Map((await world.store.scans()).map((record) => [record.name, record]));
  return postureOf(world).scans.flatMap(({ name, everySeconds }): readonly ScanSummary[] => {
    const record = records.get(name);
    if (record === undefined) return [];
    const { trouble, ...rest } = record;
    return [{ ...rest, everySeconds, ...(trouble === "" ? {} : { trouble }) }];
  });
}

/** Looks now. */
export async function scanNow(world: World): Promise<readonly ScanSummary[]> {
  await runAllScans(postureOf(world).scans, world);
  return listScans(world);
}

/** From then until now. @throws {@link Fault} `request/malformed` for a moment that lies ahead. */
export async function reportFindings(since: Instant, world: World): Promise<FindingReport> {
  const until = world.now();
  if (since > until) throw new Fault("request/malformed", "expected `since` to lie in the past");
  const findings = await findingsSince(since, world);
  return postureOf(world).report(findings, await listScans(world), { since, until });
}

/** The most that one answer holds. */
const CREDENTIALS_PAGE = 500;

/** What this broker depends on, those with a name after `after`. */
export async function listCredentials(after: string, world: World): Promise<CredentialPage> {
  const all = (await postureOf(world).credentials(world.now())).filter(({ name }) => name > after);
  const credentials = all.slice(0, CREDENTIALS_PAGE);
  const last = all.length > CREDENTIALS_PAGE ? credentials.at(-1) : undefined;
  return { credentials, ...(last === undefined ? {} : { next: last.name }) };
}

function postureOf({ posture }: World): Posture {
  if (posture !== undefined) return posture;
  throw new Fault("request/not-found", "expected a broker that looks after its findings");
}
