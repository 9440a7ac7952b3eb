/** `PUT /v1/secret/…`: the next version of a secret, from a guest; and the key that it seals the secret to. */
import { makeGuestImportKey, writeSecret } from "../../broker/write.ts";
import * as wireKey from "../../wire/import.ts";
import * as wire from "../../wire/write.ts";
import { secretPathOf } from "../admin/secrets.ts";
import type { Route } from "../route.ts";

export const guestKeyRoute: Route = {
  method: "POST",
  path: wire.IMPORT_KEY_PATH,
  summary:
    "A key for a guest to seal one secret to, signed by the broker; it serves the token that it was asked with",
  audience: "token-holder",
  bindsBody: true,
  isRateLimited: true,
  request: wire.GUEST_KEY_REQUEST,
  answer: wireKey.SIGNED_IMPORT_KEY,
  serve: async ({ body, holder }, { world }) => {
    const key = await makeGuestImportKey(wire.decodeGuestKeyRequest(body).suite, holder, world);
    return { status: 201, body: wireKey.encodeSignedImportKey(key) };
  },
};

export const writeRoute: Route = {
  method: "PUT",
  path: "/v1/secret/*",
  summary:
    "A guest writes the next version of a secret, sealed to an import key, where policy allows `request.op == write`; the answer is sealed to the guest",
  audience: "token-holder",
  bindsBody: true,
  request: wire.WRITE_REQUEST,
  answer: wire.WRITE_ANSWER,
  serve: async (incoming, { world }) => {
    const { body, holder, exchange } = incoming;
    const path = secretPathOf(incoming);
    const request = wire.decodeWriteRequest(body);
    const answer = await writeSecret({ path, request, body, holder, exchange }, world);
    return { status: 201, body: wire.encodeWriteAnswer(answer) };
  },
};
