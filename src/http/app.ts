/** How does a request become an answer? Named, capped, counted, authorized; then its use case; then one form of answer. */
import { type Context, Hono } from "hono";
import { Fault } from "../base/fault.ts";
import type { FaultCode } from "../base/fault-codes.ts";
import type { Actor } from "../broker/secrets.ts";
import { isSealed, sealedFault } from "../broker/unseal.ts";
import type { World } from "../broker/world.ts";
import { authorize } from "./authorize.ts";
import { refusedOf } from "./problem.ts";
import { responseOf, responseOfKbsRefusal, responseOfRefusal } from "./response.ts";
import { type HttpEdges, parameterOf, type Route, type ServingContext } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { createTimeline, type Timeline } from "./timeline.ts";

/**
 * Makes the application; `app.fetch` is what a server calls. The second argument of `fetch` is what the platform knows of
 * the connection, which only `edges` looks into.
 */
export function createApp(world: World, edges: HttpEdges): Hono {
  const app = new Hono();
  const context = { world, edges };
  const routes = ROUTES.filter((route) => route.door === undefined || edges.kbs !== undefined);
  for (const route of routes) {
    app.on(route.method, honoPath(route.path), (c) => answered(c, route, context));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(honoPath(path), (c) => answered(c, wrongMethod(path), context));
  }
  if (edges.kbs !== undefined) app.all("/kbs/*", (c) => answered(c, NOTHING_OF_KBS, context));
  app.notFound((c) => answered(c, NOTHING_HERE, context));
  return app;
}

/** One request, whole: whatever happens inside, an answer with an id leaves, one line is logged and one count made. */
async function answered(c: Context, route: Route, context: ServingContext): Promise<Response> {
  const { world, edges } = context;
  const started = edges.milliseconds();
  const id = edges.nextId();
  const source = edges.sourceOf(c.env);
  const timeline = createTimeline(edges.milliseconds, edges.metrics);
  const result = await served(c, route, { ...context, id, source, timeline });
  const { status } = result.response;
  const method = methodLabel(c.req.method);
  const steps = timeline.end();
  if (edges.tell !== undefined && steps.length > 0) {
    const traceparent = c.req.header("traceparent"); // for the span alone: no use case sees a header
    const about = { id, route: route.path, method, status, code: result.code, steps, traceparent };
    edges.tell({ ...about, from: started, to: edges.milliseconds() });
  }
  const labels = { route: route.path, method, status: String(status) };
  edges.metrics.count("requests", labels);
  if (route.door === "kbs") {
    edges.metrics.count("kbs_http_requests", labels);
    edges.metrics.observe("kbs_http_request_duration_seconds", (edges.milliseconds() - started) / 1000);
  }
  world.log("info", "request", {
    id,
    method,
    route: route.path,
    status,
    code: result.code,
    source,
    actor: result.actor,
    ms: Math.round((edges.milliseconds() - started) * 10) / 10,
  });
  return result.response;
}

interface Arrived extends ServingContext {
  readonly id: string;
  readonly source: string;
  readonly timeline: Timeline;
}

interface Result {
  readonly response: Response;
  readonly code: FaultCode | undefined;
  readonly actor: string | undefined;
}

async function served(c: Context, route: Route, arrived: Arrived): Promise<Result> {
  const { world, edges, id, source, timeline } = arrived;
  let actor: Actor | undefined;
  try {
    refuseTooOften(route, arrived);
    if (route.isServedSealed !== true && isSealed(world)) throw sealedFault();
    const query = queryOf(c.req.url);
    refuseStrangeQuery(query, route);
    const seen = { id, offered: edges.offered, source, ...edges.channelOf(c.env) };
    const exchange = { ...seen, step: timeline.step };
    const path = sentPathOf(c.req.url);
    const { body, holder, shown, ...authorized } = await authorize(
      { request: c.req.raw, path, exchange },
      route,
      arrived,
    );
    actor = authorized.actor;
    const incoming = {
      parameter: parameterOf(route.path, path),
      query,
      body,
      exchange,
      actor: actor ?? NOBODY,
      ...(holder === undefined ? {} : { holder }),
      ...(shown === undefined ? {} : { shown }),
    };
    const outgoing = await route.serve(incoming, { world, edges });
    return { response: responseOf(outgoing), code: undefined, actor: actor?.kid };
  } catch (thrown) {
    const refused = refusedOf(thrown, { id, log: world.log, isAdmin: actor !== undefined });
    const response = route.door === "kbs" ? responseOfKbsRefusal(refused) : responseOfRefusal(refused);
    return { response, code: refused.code, actor: actor?.kid };
  }
}

const NOBODY: Actor = { kid: "nobody" };

function refuseTooOften(route: Route, { edges, source }: Arrived): void {
  if (route.isRateLimited === undefined) return;
  const limit = edges.rateLimit(source);
  if (limit.isAllowed) return;
  const { retryAfterSeconds } = limit;
  throw new Fault("request/rate-limited", "expected fewer requests from this source", { retryAfterSeconds });
}

function refuseStrangeQuery(query: URLSearchParams, { query: known = [], takesAnyQuery }: Route): void {
  if (takesAnyQuery === true) return;
  const names = [...query.keys()];
  if (names.every((name) => known.includes(name)) && new Set(names).size === names.length) return;
  throw new Fault("request/malformed", `expected no query but ${known.join(", ") || "none"}, each once`);
}

/** Most requests have none, and reading a whole URL to find none costs more than the rest of the routing. */
function queryOf(url: string): URLSearchParams {
  return url.includes("?") ? new URL(url).searchParams : new URLSearchParams();
}

/** The path as it was sent: a parameter is never decoded. */
function sentPathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? "/";
}

function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

const NOTHING_HERE: Route = {
  method: "GET",
  path: "unmatched",
  summary: "No path of this broker",
  audience: "anyone",
  serve: async () => {
    throw new Fault("request/not-found", "expected a path of this broker");
  },
};

/** A plugin that is not here is told so, whatever is asked of it. */
const NOTHING_OF_KBS: Route = {
  ...NOTHING_HERE,
  path: "unmatched of /kbs",
  door: "kbs",
  takesAnyQuery: true,
};

function wrongMethod(path: string): Route {
  const own = ROUTES.filter((route) => route.path === path);
  const allow = own.map(({ method }) => method).join(", ");
  return {
    ...(own[0]?.door === "kbs" ? NOTHING_OF_KBS : NOTHING_HERE),
    path,
    serve: async () => {
      throw new Fault("request/wrong-method", "expected a method that this path has", { allow });
    },
  };
}

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** A label, so from a closed set: the method of a stranger may be any word. */
function methodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : "other";
}
