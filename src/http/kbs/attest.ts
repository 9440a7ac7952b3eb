/** `POST /kbs/v0/attest`: a session's evidence in, a token out; from then on the session opens resources. */
import { Fault } from "../../base/fault.ts";
import { attestKbs } from "../../broker/kbs/attest.ts";
import { encodeKbsAttestAnswer, KBS_ATTEST_ANSWER, versionOfAttestation } from "../../wire/kbs/attest.ts";
import { decodeKbsAttestation, KBS_ATTESTATION } from "../../wire/kbs/attestation.ts";
import type { Route } from "../route.ts";
import { cookieOf } from "./cookie.ts";
import { kbsOf } from "./edges.ts";
import { countedAttestation } from "./metrics.ts";

export const kbsAttestRoute: Route = {
  method: "POST",
  path: "/kbs/v0/attest",
  summary: "Evidence of a guest of the KBS protocol, once for each session; a token (EAR) that names its key",
  audience: "kbs-guest",
  door: "kbs",
  request: KBS_ATTESTATION,
  answer: KBS_ATTEST_ANSWER,
  serve: async ({ body, shown, exchange }, { world, edges }) => {
    const session = shown?.session;
    if (session === undefined) throw new Fault("kbs/no-session", "expected the cookie of POST /kbs/v0/auth");
    const { versions, readToml } = kbsOf(edges);
    const version = versionOfAttestation(body, versions);
    const attestation = decodeKbsAttestation(body, version);
    const { token, expiresAt } = await countedAttestation(attestation.evidence.format, edges.metrics, () =>
      attestKbs({ version, session, attestation }, exchange, { world, readToml }),
    );
    const headers = cookieOf({ id: session, expiresAt }, world.now());
    return { headers, body: encodeKbsAttestAnswer(token) };
  },
};
