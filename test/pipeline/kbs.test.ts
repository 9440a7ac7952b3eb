/** Does a guest of the KBS protocol get its secret? Whole conversations in 0.4.0 and 0.2.0, with each kind of key, by cookie and by token. */
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import {
  ask,
  attest,
  attestedGuest,
  byCookie,
  byToken,
  CONTENT,
  cookieIn,
  type KeyKind,
  KBS_PATH,
  kbsBroker,
  openSession,
  opened,
  type Version,
} from "./kbs-at-hand.ts";

const KINDS: readonly KeyKind[] = ["P-256", "P-521", "RSA"];
const VERSIONS: readonly Version[] = ["0.4.0", "0.2.0"];

describe("a conversation", () => {
  for (const version of VERSIONS) {
    for (const kind of KINDS) {
      it(`of ${version} with a key ${kind} ends in the secret, by cookie and by token`, async () => {
        const broker = await kbsBroker();
        const guest = await attestedGuest(broker, { version, kind });
        for (const shown of [byCookie(guest), byToken(guest)]) {
          const answer = await ask(broker, "GET", `resource/${KBS_PATH}`, shown);
          expect(answer.status).toBe(200);
          expect(await opened(answer, guest.key)).toBe(CONTENT);
        }
      });
    }
  }
});
