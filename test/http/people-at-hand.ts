/** Who asks a broker in a test? People with keys of their own and roles, who may come and go. */

import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { createBundleCache } from "../../src/broker/bundles.ts";
import { lastActs } from "../../src/broker/last-acts.ts";
import { createRosterCache } from "../../src/broker/roster.ts";
import type { World } from "../../src/broker/world.ts";
import { type AdminClient, createAdminClient } from "../../src/client/admin.ts";
import type { Admin, Governance } from "../../src/policy/admins.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { bodyHashOf, signAdminToken } from "../../src/wire/admin-token.ts";
import { decodeProblem } from "../../src/wire/problem.ts";
import type { SecurityKey } from "../support/security-key.ts";
import { AUDIENCE, type BrokerAtHand, brokerAtHand, ONE_ADMIN, random } from "./broker-at-hand.ts";

/** Who somebody is; with a security key where there is one, else with a key of a file. */
export type GivenPerson = Partial<Admin> & { readonly kid: string; readonly key?: SecurityKey };

/** One person with one key. */
export interface PersonAtHand {
  readonly record: Admin;
  readonly signer: Signer;
  readonly admin: AdminClient;
  /** Asks with an empty body, or this one; what is told of a refusal is its fault code. */
  readonly ask: (
    method: string,
    path: string,
    body?: string,
  ) => Promise<{ status: number; fault: string | undefined }>;
}

export interface PeopleAtHand {
  readonly broker: BrokerAtHand;
  /** Puts somebody into the configuration, before anybody asks. */
  readonly add: (admin: GivenPerson) => PersonAtHand;
  /** Somebody with a key whom nobody knows yet. */
  readonly stranger: (admin: GivenPerson) => PersonAtHand;
}

/** A broker whose configuration says `governance`, and whose admins are those that are added. */
export function peopleAtHand(
  governance: Partial<Governance> = {},
  change: (world: World) => Partial<World> = () => ({}),
): PeopleAtHand {
  const admins: Admin[] = [];
  const broker = brokerAtHand((base) => {
    const settings = { ...base.settings, governance: { ...ONE_ADMIN, admins, ...governance } };
    const changed = change(base);
    return { ...governedParts({ ...base, ...changed, settings }), ...changed };
  });
  const stranger: PeopleAtHand["stranger"] = (admin) => personOf(admin, broker);
  const add: PeopleAtHand["add"] = (admin) => {
    const person = stranger(admin);
    admins.push(person.record);
    return person;
  };
  return { broker, add, stranger };
}

/** What of a world follows from its settings and its store: as a process that begins anew would have it. */
export function governedParts(world: World): Pick<World, "settings" | "roster" | "liveBundle"> {
  const acts = () => lastActs(world);
  const roster = createRosterCache({ ...world, lastActs: acts });
  return {
    settings: world.settings,
    roster,
    liveBundle: createBundleCache({ ...world, roster, lastActs: acts }),
  };
}

/** The test's broker is served under the path of its audience. */
export function personOf({ key, ...given }: GivenPerson, { app, world }: BrokerAtHand): PersonAtHand {
  const signer = key?.signer(given.kid) ?? createEd25519Signer(given.kid, generateEd25519Pem());
  const held = key === undefined ? {} : { webauthn: key.webauthn };
  const record: Admin = {
    person: given.kid,
    roles: [],
    under: [],
    owns: [],
    ...given,
    ...held,
    spki: signer.spki,
  };
  const send = (url: string, init?: RequestInit) => app.request(url.slice(AUDIENCE.length), init);
  const admin = createAdminClient({
    url: AUDIENCE,
    audience: AUDIENCE,
    signer,
    fetch: async (input, init) => send(String(input), init),
    now: world.now,
    random,
    digest: nodePrimitives.digest,
  });
  const ask: PersonAtHand["ask"] = async (method, path, body = "") => {
    const iat = world.now();
    const claims = {
      aud: AUDIENCE,
      htm: method,
      htu: `${AUDIENCE}${path}`,
      bh: bodyHashOf(utf8(body), nodePrimitives.digest),
      iat,
      exp: iat + 60,
      jti: base64UrlOf(random(16)),
    };
    const authorization = `Bearer ${await signAdminToken(claims, signer)}`;
    const headers = { authorization, "content-type": "application/json" };
    const answer = await app.request(path, { method, headers, ...(body === "" ? {} : { body }) });
    const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json") === true;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { status: answer.status, fault: isProblem ? decodeProblem(bytes).fault : undefined };
  };
  return { record, signer, admin, ask };
}
