/** What do the agent's verbs do that a guest does not boot by? Tokens, transit keys, and what a guest says of its secrets. */
import type { AgentEdges } from "../../cli/commands/agent.ts";
import { confirmVersion } from "../../client/confirm.ts";
import { overSessions } from "../../client/fetch.ts";
import { fetchToken } from "../../client/fetch-token.ts";
import { giveBack } from "../../client/give-back.ts";
import { createTransitClient } from "../../client/transit-client.ts";
import { putSecret } from "../../client/write.ts";
import { type NodeAgentParts, preparedFor } from "./agent-way.ts";
import { guestSignerOf, makeGuestKey, makeGuestSigner, publicJwkOf } from "./guest-key.ts";
import { pemOf } from "./named-files.ts";

type VerbEdges = Pick<
  AgentEdges,
  | "confirmUse"
  | "fetchToken"
  | "giveBack"
  | "makeKey"
  | "publicHalfOf"
  | "publicKeyOf"
  | "putSecret"
  | "useTransit"
>;

export function agentVerbs(parts: NodeAgentParts): VerbEdges {
  return {
    fetchToken: async (request) => {
      const { aud, cnf, held } = request;
      const own = held && { token: held.token, key: guestSignerOf(await pemOf(held.keyFile)) };
      const { plan, fetchParts } = await preparedFor(request, parts);
      return fetchToken({ ...plan, aud, cnf, ...(own === undefined ? {} : { held: own }) }, fetchParts);
    },
    confirmUse: async ({ confirmation, ...request }) => {
      const { plan, fetchParts } = await preparedFor(request, parts);
      return confirmVersion({ ...plan, key: makeGuestSigner() }, confirmation, fetchParts);
    },
    giveBack: async ({ lease, ...request }) => {
      const { plan, fetchParts } = await preparedFor(request, parts);
      return giveBack({ ...plan, key: makeGuestSigner() }, lease, fetchParts);
    },
    useTransit: async ({ path, item, ...request }) => {
      const { plan, fetchParts } = await preparedFor(request, parts);
      const key = makeGuestSigner();
      return overSessions(plan, fetchParts, (session, broker) =>
        createTransitClient({ session, broker, key }, fetchParts).use(path, [item]),
      );
    },
    putSecret: async ({ path, secret, cas, ...request }) => {
      const { plan, fetchParts } = await preparedFor(request, parts);
      const write = { path, secret, ...(cas === undefined ? {} : { cas }) };
      return putSecret({ ...plan, key: makeGuestSigner() }, write, fetchParts);
    },
    makeKey: async () => makeGuestKey(),
    publicHalfOf: async (file) => guestSignerOf(await pemOf(file)).jwk,
    publicKeyOf: async (file) => publicJwkOf(await pemOf(file)),
  };
}
