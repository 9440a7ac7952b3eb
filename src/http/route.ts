/** What is a path of the broker? A row: who may ask, what comes in, what goes out, and the use case between them. */

import type { Holder } from "../broker/dpop.ts";
import type { KbsShown } from "../broker/kbs/holder.ts";
import type { BindingId, Exchange } from "../broker/request.ts";
import type { Actor } from "../broker/secrets.ts";
import type { World } from "../broker/world.ts";
import type { Schema } from "../wire/codec.ts";
import type { KbsEdges } from "./kbs/edges.ts";
import type { RateLimit } from "./limits.ts";
import type { Counts, Metrics } from "./metrics.ts";
import type { KnownStanding } from "./standing-view.ts";
import type { TimedRequest } from "./timeline.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** `ledger-reader` is anyone or an admin, and `operator` an admin or who is on this machine, as configuration says; `token-holder` an admin or who holds a token and its key. Of the drop-in KBS: a guest by what it shows, looked at by the use case, and an admin of `kbs-client`. */
export type Audience =
  | "anyone"
  | "admin"
  | "ledger-reader"
  | "operator"
  | "token-holder"
  | "kbs-guest"
  | "kbs-admin";

/** A request as a use case sees it: no headers, since no header of an attested path is ever read but what a guest of the KBS shows. */
export interface Incoming {
  /** The part of the path that `*` or `:name` stands for, as it was sent: nothing is decoded. */
  readonly parameter: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array;
  readonly exchange: Exchange;
  /** The admin who signed the request; on paths for anyone, nobody. */
  readonly actor: Actor;
  /** Who proved a token of this broker and its key; on paths for token holders an admin where there is none. */
  readonly holder?: Holder;
  /** Session and token as a guest of the KBS showed them: nothing of it is believed yet. */
  readonly shown?: KbsShown;
}

export interface Outgoing {
  /** Status 200 unless it is said. */
  readonly status?: number;
  /** `application/json` unless it is said. */
  readonly contentType?: string;
  /** `no-store` unless it is said. */
  readonly cacheControl?: string;
  /** Beside those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface Route {
  readonly method: Method;
  /** Ends in `/*` or holds one `{name}` where a parameter stands. */
  readonly path: string;
  readonly summary: string;
  readonly audience: Audience;
  /** A path of the drop-in KBS: served where that is switched on, and refused in its own form. */
  readonly door?: "kbs";
  readonly request?: Schema;
  readonly answer?: Schema;
  /** Query parameters it knows; any other is refused. */
  readonly query?: readonly string[];
  /** Where nothing is served, whatever is asked. */
  readonly takesAnyQuery?: true;
  readonly isRateLimited?: true;
  /** Of paths for token holders: the proof has to be for this very body, which `bh` says. */
  readonly bindsBody?: true;
  /** Served by a broker that nobody has unsealed yet. */
  readonly isServedSealed?: true;
  readonly maxBodyBytes?: number;
  /** `application/json` unless it is said. */
  readonly mediaType?: "application/x-www-form-urlencoded" | "application/octet-stream";
  readonly serve: (incoming: Incoming, context: ServingContext) => Promise<Outgoing>;
}

export interface ServingContext {
  readonly world: World;
  readonly edges: HttpEdges;
}

/** What the listener saw of a connection; `runtime/` reads it from the socket, never from a header. */
export type Channel = Pick<Exchange, "cb" | "ownSpki" | "peerSpki" | "peerCertificate">;

/** The files of the page for security keys, as they stand in `src/console/`. */
export interface KeyPage {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** What the HTTP room needs of the platform. */
export interface HttpEdges {
  /** Names a request; see `createUlids`. */
  readonly nextId: () => string;
  /** Milliseconds that never run backwards. */
  readonly milliseconds: () => number;
  /** Address of the peer of the connection that carries the request; the argument is what the server adapter puts beside it. */
  readonly sourceOf: (env: unknown) => string;
  /** What binds evidence to that connection. @throws {@link Fault} `channel/wrong-listener` for one that serves nobody. */
  readonly channelOf: (env: unknown) => Channel;
  /** Bindings that this listener serves. */
  readonly offered: readonly BindingId[];
  /** URLs under which admins reach this broker, without a trailing slash; the audience is one of them. */
  readonly ownUrls: readonly string[];
  /** Token buckets for challenges. */
  readonly rateLimit: RateLimit;
  readonly ledgerReaders: "anyone" | "admins";
  /** The page for security keys; absent where this platform has no files to serve it from. */
  readonly keyPage?: () => Promise<KeyPage>;
  /** Whom `/v1/health` is for: with `loopback`, besides admins, whoever connects from this machine. */
  readonly healthDetails?: "admins" | "loopback";
  /** How the parts of this broker stand; absent where nobody looks. */
  readonly standing?: () => Promise<KnownStanding>;
  /** The drop-in KBS, where it is switched on. */
  readonly kbs?: KbsEdges;
  readonly metrics: Metrics;
  /** What all processes of this broker counted, where there are several. */
  readonly countsOfAll?: () => Promise<Counts>;
  /** Told of each request that came to a step of the pipeline, where spans are wanted. Never throws, never waits. */
  readonly tell?: (request: TimedRequest) => void;
  /** True once the broker no longer takes work. */
  readonly isDraining: () => boolean;
  readonly version: string;
}

/** What stands where the route has `*` or `{name}`; both stand last. */
export function parameterOf(route: string, path: string): string {
  const fixed = /^([^*{]*)[*{]/.exec(route)?.[1];
  return fixed === undefined ? "" : path.slice(fixed.length);
}
