/** May who asks ask this? Anyone, an admin by a signed request, or the holder of a token; and then the body is read. */
import { base64UrlOf } from "../base/bytes.ts";
import { Fault } from "../base/fault.ts";
import { type Holder, verifyHolder } from "../broker/dpop.ts";
import type { KbsShown } from "../broker/kbs/holder.ts";
import type { Exchange } from "../broker/request.ts";
import type { Actor } from "../broker/secrets.ts";
import { MAX_BODY_BYTES } from "../wire/limits.ts";
import { refuseOtherRole } from "./admin-roles.ts";
import { spendAdminToken, verifyAdminToken } from "./auth.ts";
import { spendKbsAdmin, verifyKbsAdmin } from "./kbs/admin.ts";
import { shownIn } from "./kbs/cookie.ts";
import { kbsOf } from "./kbs/edges.ts";
import { readBody } from "./limits.ts";
import { parameterOf, type Route, type ServingContext } from "./route.ts";

/** A request before its body was looked at. */
export interface Asked {
  readonly request: Request;
  /** As it was sent. */
  readonly path: string;
  readonly exchange: Exchange;
}

export interface Authorized {
  readonly body: Uint8Array;
  readonly actor?: Actor;
  readonly holder?: Holder;
  readonly shown?: KbsShown;
}

/** @throws {@link Fault} `admin/unauthorized`, `admin/forbidden`, `token/…`; `request/wrong-media-type`, `request/too-large`. */
export async function authorize(asked: Asked, route: Route, context: ServingContext): Promise<Authorized> {
  const { audience } = route;
  if (audience === "anyone") return { body: await bodyOf(asked, route) };
  if (audience === "ledger-reader" && context.edges.ledgerReaders === "anyone") {
    return { body: await bodyOf(asked, route) };
  }
  if (audience === "operator" && isOnThisMachine(asked, context)) return { body: await bodyOf(asked, route) };
  if (audience === "kbs-guest")
    return { body: await bodyOf(asked, route), shown: shownIn(asked.request.headers) };
  if (audience === "kbs-admin") return authorizedKbsAdmin(asked, route, context);
  const isBearer = asked.request.headers.get("authorization")?.startsWith("Bearer ") === true;
  if (audience === "token-holder" && !isBearer) return authorizedHolder(asked, route, context);
  return authorizedAdmin(asked, route, context);
}

/** By the address of the connection. A proxy on this machine makes everybody so: that is why it has to be configured. */
function isOnThisMachine({ exchange: { source } }: Asked, { edges }: ServingContext): boolean {
  return edges.healthDetails === "loopback" && /^(::ffff:)?127[.]\d+[.]\d+[.]\d+$|^::1$/.test(source);
}

/** In order: a signature over everything but the body, a role that may, then the body, then its hash and the spend of the token. */
async function authorizedAdmin(
  asked: Asked,
  route: Route,
  { world, edges }: ServingContext,
): Promise<Authorized> {
  const signed = await verifyAdminToken({ ...lineOf(asked), ownUrls: edges.ownUrls }, world);
  refuseOtherRole(signed.actor.admin, route, parameterOf(route.path, asked.path));
  const body = await bodyOf(asked, route);
  return { body, actor: await spendAdminToken(signed, body, world) };
}

/** The same of an admin of `kbs-client`, where the configuration lets those in. */
async function authorizedKbsAdmin(
  asked: Asked,
  route: Route,
  { world, edges }: ServingContext,
): Promise<Authorized> {
  if (!kbsOf(edges).takesAdmins) {
    throw new Fault(
      "admin/unauthorized",
      "expected an admin by `ostiary`: [kbs] lets none in by `kbs-client`",
    );
  }
  const { authorization, method, path } = lineOf(asked);
  const signed = await verifyKbsAdmin(authorization, world);
  refuseOtherRole(signed.actor.admin, route, parameterOf(route.path, path));
  const body = await bodyOf(asked, route);
  return { body, actor: await spendKbsAdmin(signed, { method, path, body }, world) };
}

/** RFC 9449 section 4.2 binds method, URL and token; a proof may bind the body as well, and on some paths has to. */
async function authorizedHolder(
  asked: Asked,
  route: Route,
  { world, edges }: ServingContext,
): Promise<Authorized> {
  const { peerCertificate } = asked.exchange;
  const use = {
    ...lineOf(asked),
    proof: asked.request.headers.get("dpop") ?? undefined,
    ownUrls: edges.ownUrls,
    ...(peerCertificate === undefined ? {} : { peerCertificate }),
  };
  const holder = await verifyHolder(use, world);
  const body = await bodyOf(asked, route);
  if (holder.bh === undefined && route.bindsBody !== true) return { body, holder };
  const bh = base64UrlOf(world.primitives.digest("sha256", body));
  if (holder.bh !== bh) throw new Fault("token/bad-proof", "expected a proof for this body, in `bh`");
  return { body, holder };
}

function lineOf({ request, path }: Asked) {
  return { authorization: request.headers.get("authorization") ?? undefined, method: request.method, path };
}

async function bodyOf({ request }: Asked, route: Route): Promise<Uint8Array> {
  if (route.request === undefined) return new Uint8Array(0);
  const expected = route.mediaType ?? "application/json";
  const mediaType = request.headers.get("content-type")?.split(";", 1).join("").trim().toLowerCase();
  if (mediaType !== expected) {
    throw new Fault("request/wrong-media-type", `expected a body of type ${expected}`);
  }
  return readBody(request, route.maxBodyBytes ?? MAX_BODY_BYTES);
}
