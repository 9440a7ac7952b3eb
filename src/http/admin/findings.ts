/** `/v1/admin/findings`: what is not good, since when, and how soon such things end. */
import { Fault } from "../../base/fault.ts";
import { addSeconds, type Instant, parseInstant } from "../../base/time.ts";
import { listScans, reportFindings, scanNow } from "../../broker/finding-report.ts";
import { acknowledgeFinding, listFindings, showFinding } from "../../broker/findings.ts";
import type { World } from "../../broker/world.ts";
import { encodeFindingReport, FINDING_REPORT } from "../../wire/finding-report.ts";
import * as wire from "../../wire/findings.ts";
import type { Incoming, Route } from "../route.ts";

const FINDINGS = "/v1/admin/findings";
const ONE_FINDING = `${FINDINGS}/{id}`;
const SCANS = "/v1/admin/finding-scans";
const DEFAULT_SECONDS = 30 * 86_400;

const listRoute: Route = {
  method: "GET",
  path: FINDINGS,
  summary: "What is open, and what was detected or ended since a moment; page after page",
  audience: "admin",
  query: ["since", "after"],
  answer: wire.FINDING_PAGE,
  serve: async ({ query }, { world }) => {
    const asked = { since: sinceOf(query, world), after: placeOf(query.get("after")) };
    return { body: wire.encodeFindingPage(await listFindings(asked, world)) };
  },
};

const showRoute: Route = {
  method: "GET",
  path: ONE_FINDING,
  summary: "Every spell of one finding, the newest first",
  audience: "admin",
  answer: wire.FINDING_PAGE,
  serve: async (incoming, { world }) => ({
    body: wire.encodeFindingPage({ findings: await showFinding(idOf(incoming), world) }),
  }),
};

const acknowledgeRoute: Route = {
  method: "POST",
  path: ONE_FINDING,
  summary: "Somebody knows of this finding; it stays open",
  audience: "admin",
  request: wire.FINDING_ACKNOWLEDGEMENT,
  answer: wire.FINDING_PAGE,
  serve: async (incoming, { world }) => {
    const { note } = wire.decodeAcknowledgement(incoming.body);
    const findings = await acknowledgeFinding({ id: idOf(incoming), note }, incoming.actor, world);
    return { body: wire.encodeFindingPage({ findings }) };
  },
};

const reportRoute: Route = {
  method: "GET",
  path: "/v1/admin/finding-report",
  summary: "How soon findings are seen and end, of each class, with what each figure is",
  audience: "admin",
  query: ["since"],
  answer: FINDING_REPORT,
  serve: async ({ query }, { world }) => ({
    body: encodeFindingReport(await reportFindings(sinceOf(query, world), world)),
  }),
};

const scansRoute: Route = {
  method: "GET",
  path: SCANS,
  summary: "The newest turn of each scan",
  audience: "admin",
  answer: wire.SCAN_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeScanList(await listScans(world)) }),
};

const scanRoute: Route = {
  method: "POST",
  path: SCANS,
  summary: "Gives every scan a turn now",
  audience: "admin",
  answer: wire.SCAN_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeScanList(await scanNow(world)) }),
};

export const findingRoutes: readonly Route[] = [
  listRoute,
  showRoute,
  acknowledgeRoute,
  reportRoute,
  scansRoute,
  scanRoute,
];

function idOf({ parameter }: Incoming): string {
  if (/^[0-9a-f]{32}$/.test(parameter)) return parameter;
  throw new Fault("request/malformed", "expected the id of a finding, 32 hex digits");
}

function sinceOf(query: URLSearchParams, { now }: World): Instant {
  const text = query.get("since");
  if (text === null) return addSeconds(now(), -DEFAULT_SECONDS);
  const since = parseInstant(text);
  if (since !== undefined) return since;
  throw new Fault("request/malformed", "expected `since` as 2026-10-01T12:00:00Z");
}

function placeOf(text: string | null) {
  if (text === null) return undefined;
  const [, id, episode] = /^([0-9a-f]{32})-([1-9]\d{0,8})$/.exec(text) ?? [];
  if (id !== undefined) return { id, episode: Number(episode) };
  throw new Fault("request/malformed", "expected `after` as the `next` of the page before");
}
