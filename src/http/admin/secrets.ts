/** `/v1/admin/secrets`: secrets by path; plaintext comes in and never goes out. */
import { Fault } from "../../base/fault.ts";
import {
  generateSecret,
  listSecrets,
  putSecret,
  rotateSecret,
  setSecretBindings,
  setSecretState,
  showSecret,
} from "../../broker/secrets.ts";
import { isSecretPath } from "../../wire/resource-path.ts";
import * as wire from "../../wire/secret.ts";
import type { Incoming, Route } from "../route.ts";

const ONE_SECRET = "/v1/admin/secrets/*";

const listRoute: Route = {
  method: "GET",
  path: "/v1/admin/secrets",
  summary: "The newest version of every secret, without its bytes",
  audience: "admin",
  answer: wire.SECRET_LIST,
  serve: async (_incoming, { world }) => ({ body: wire.encodeSecretList(await listSecrets(world)) }),
};

const showRoute: Route = {
  method: "GET",
  path: ONE_SECRET,
  summary: "Every version of one secret, without its bytes",
  audience: "admin",
  answer: wire.SECRET_LIST,
  serve: async (incoming, { world }) => ({
    body: wire.encodeSecretList(await showSecret(pathOf(incoming), world)),
  }),
};

const putRoute: Route = {
  method: "PUT",
  path: ONE_SECRET,
  summary: "The next version of a secret from plaintext, or a new secret of random bytes",
  audience: "admin",
  request: wire.SECRET_CONTENT,
  answer: wire.SECRET_SUMMARY,
  serve: async (incoming, { world }) => {
    const path = pathOf(incoming);
    const content = wire.decodeSecretContent(incoming.body);
    const summary =
      content.kind === "static"
        ? await putSecret({ path, plaintext: content.plaintext }, incoming.actor, world)
        : await generateSecret({ path, size: content.size }, incoming.actor, world);
    return { status: 201, body: wire.encodeSecretSummary(summary) };
  },
};

const rotateRoute: Route = {
  method: "POST",
  path: ONE_SECRET,
  summary: "A fresh random version of a generated secret",
  audience: "admin",
  request: wire.SECRET_ROTATION,
  answer: wire.SECRET_SUMMARY,
  serve: async (incoming, { world }) => {
    const wanted = { path: pathOf(incoming), ...wire.decodeSecretRotation(incoming.body) };
    return { status: 201, body: wire.encodeSecretSummary(await rotateSecret(wanted, incoming.actor, world)) };
  },
};

const stateRoute: Route = {
  method: "PATCH",
  path: ONE_SECRET,
  summary:
    "Disables, enables or destroys one version, for good; or says over which bindings a secret may be released",
  audience: "admin",
  request: wire.SECRET_CHANGE,
  answer: wire.SECRET_LIST,
  serve: async (incoming, { world }) => {
    const path = pathOf(incoming);
    const change = wire.decodeSecretChange(incoming.body);
    if ("bindings" in change) await setSecretBindings({ path, ...change }, incoming.actor, world);
    else await setSecretState({ path, ...change }, incoming.actor, world);
    return { body: wire.encodeSecretList(await showSecret(path, world)) };
  },
};

export const secretRoutes: readonly Route[] = [listRoute, showRoute, putRoute, rotateRoute, stateRoute];

/** Nothing is decoded or folded: a path that is not in normal form as it was sent is no path. */
function pathOf({ parameter }: Incoming): string {
  if (isSecretPath(parameter)) return parameter;
  throw new Fault("request/malformed", "expected the path of a secret in normal form");
}
