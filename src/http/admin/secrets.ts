/** `/v1/admin/secrets`: secrets by path; plaintext comes in and never goes out. */
import { Fault } from "../../base/fault.ts";
import { importSecret } from "../../broker/import-keys.ts";
import { changeSettings, condemnSecret, setSecretState } from "../../broker/secret-life.ts";
import {
  type Actor,
  deriveSecret,
  generateSecret,
  listSecrets,
  makeTransit,
  putSecret,
  rotateSecret,
  showSecret,
} from "../../broker/secrets.ts";
import type { World } from "../../broker/world.ts";
import { isSecretPath } from "../../wire/resource-path.ts";
import * as wire from "../../wire/secret.ts";
import type { SecretChange, SecretContent, SecretSummary } from "../../wire/secret-messages.ts";
import type { Incoming, Route } from "../route.ts";

const ONE_SECRET = "/v1/admin/secrets/*";

const listRoute: Route = {
  method: "GET",
  path: "/v1/admin/secrets",
  summary: "The newest version of every secret, without its bytes",
  audience: "admin",
  answer: wire.SECRET_LIST,
  serve: async ({ actor }, { world }) => ({ body: wire.encodeSecretList(await listSecrets(actor, world)) }),
};

const showRoute: Route = {
  method: "GET",
  path: ONE_SECRET,
  summary: "Every version of one secret, without its bytes",
  audience: "admin",
  answer: wire.SECRET_LIST,
  serve: async (incoming, { world }) => ({
    body: wire.encodeSecretList(await showSecret(secretPathOf(incoming), world)),
  }),
};

const putRoute: Route = {
  method: "PUT",
  path: ONE_SECRET,
  summary:
    "The next version of a secret from plaintext or sealed to an import key, or a new secret that the broker makes, derives for each guest, or keeps for use in transit",
  audience: "admin",
  request: wire.SECRET_CONTENT,
  answer: wire.SECRET_SUMMARY,
  serve: async (incoming, { world }) => {
    const path = secretPathOf(incoming);
    const content = wire.decodeSecretContent(incoming.body);
    const summary = await putContent({ path, content }, incoming.actor, world);
    return { status: 201, body: wire.encodeSecretSummary(summary) };
  },
};

function putContent(
  order: { readonly path: string; readonly content: SecretContent },
  actor: Actor,
  world: World,
): Promise<SecretSummary> {
  const { path, content } = order;
  switch (content.kind) {
    case "static":
      return putSecret({ path, plaintext: content.plaintext }, actor, world);
    case "generated":
      return generateSecret({ path, make: content.make }, actor, world);
    case "derived":
      return deriveSecret({ path, size: content.size, by: content.by }, actor, world);
    case "transit":
      return makeTransit({ path, type: content.type }, actor, world);
    case "sealed":
      return importSecret({ path, sealed: content.sealed }, actor, world);
  }
}

const rotateRoute: Route = {
  method: "POST",
  path: ONE_SECRET,
  summary: "A fresh version of a secret that the broker makes",
  audience: "admin",
  request: wire.SECRET_ROTATION,
  answer: wire.SECRET_SUMMARY,
  serve: async (incoming, { world }) => {
    const wanted = { path: secretPathOf(incoming), ...wire.decodeSecretRotation(incoming.body) };
    return { status: 201, body: wire.encodeSecretSummary(await rotateSecret(wanted, incoming.actor, world)) };
  },
};

const changeRoute: Route = {
  method: "PATCH",
  path: ONE_SECRET,
  summary:
    "Disables, enables, condemns or destroys one version; or changes what holds for the secret as a whole: bindings, current version, minimum, rotation, lease, owner, labels",
  audience: "admin",
  request: wire.SECRET_CHANGE,
  answer: wire.SECRET_LIST,
  serve: async (incoming, { world }) => {
    const path = secretPathOf(incoming);
    await applyChange({ path, change: wire.decodeSecretChange(incoming.body) }, incoming.actor, world);
    return { body: wire.encodeSecretList(await showSecret(path, world)) };
  },
};

async function applyChange(
  order: { readonly path: string; readonly change: SecretChange },
  actor: Actor,
  world: World,
): Promise<void> {
  const { path, change } = order;
  if ("state" in change) return setSecretState({ path, ...change }, actor, world);
  if ("destroyAfter" in change) return condemnSecret({ path, ...change }, actor, world);
  return changeSettings({ path, change }, actor, world);
}

export const secretRoutes: readonly Route[] = [listRoute, showRoute, putRoute, rotateRoute, changeRoute];

/** Nothing is decoded or folded: a path that is not in normal form as it was sent is no path. */
export function secretPathOf({ parameter }: Incoming): string {
  if (isSecretPath(parameter)) return parameter;
  throw new Fault("request/malformed", "expected the path of a secret in normal form");
}
