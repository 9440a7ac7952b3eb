/** Does a provider's word open a session of its own account, for a while, once, and never more than that? */
import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { base64UrlOf, hexOf, utf8 } from "../../src/base/bytes.ts";
import { canonicalJsonBytes, type JsonObject } from "../../src/base/canonical-json.ts";
import type { Signer } from "../../src/base/primitives.ts";
import { openSession, signSession } from "../../src/broker/admin-session.ts";
import { openSignInChallenge } from "../../src/broker/sign-in-challenge.ts";
import { signInNonce } from "../../src/channel/sign-in.ts";
import { type AdminClient, createAdminClient } from "../../src/client/admin.ts";
import type { ProviderPlan } from "../../src/oidc/plan.ts";
import type { Account } from "../../src/policy/accounts.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signRequestApproval } from "../../src/policy/request-approvals.ts";
import { encodeRosterChange, type RosterChange, signRosterChange } from "../../src/policy/roster.ts";
import { signBundle, signDsse } from "../../src/policy/signatures.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createEd25519Signer, generateEd25519Pem } from "../../src/runtime/node/signers.ts";
import { decodeSignedIn, decodeSignInOffer, encodeSignIn } from "../../src/wire/sign-in.ts";
import type { SignIn } from "../../src/wire/sign-in-messages.ts";
import { POLICY } from "../pipeline/guest-at-hand.ts";
import { CLIENT, ecKey, type Forger, forged, forger, ISSUER, SUBJECT } from "../support/openid-forger.ts";
import { AUDIENCE, random } from "./broker-at-hand.ts";
import { type PersonAtHand, peopleAtHand } from "./people-at-hand.ts";

const KEY = ecKey("one");
const PATH = "/v1/sign-in";

const ACCOUNT: Account = {
  kid: "ada-sso",
  issuer: ISSUER,
  subject: SUBJECT,
  person: "ada",
  roles: ["operator", "auditor"],
  under: [],
};

/** A broker with one admin of the root, and a provider. */
function office(plan: Partial<ProviderPlan> = {}) {
  const made: { provider?: Forger; isForgotten?: true } = {};
  const people = peopleAtHand({}, (world) => {
    const known = forger(plan, world.now);
    known.keys = [KEY.jwk];
    made.provider = known;
    const { verify, keys, offered } = known.identity;
    const identity = {
      verify,
      keys,
      get offered() {
        return made.isForgotten === true ? [] : offered;
      },
    };
    return { identity };
  });
  const ada = people.add({ kid: "ada", roles: ["author", "approver"], owns: ["root"] });
  const { provider } = made;
  if (provider === undefined) throw new Error("a provider");
  const forget = () => {
    made.isForgotten = true;
  };
  return { ...people, provider, ada, world: people.broker.world, forget };
}

type Office = ReturnType<typeof office>;

async function change({ ada, world }: Office, what: RosterChange): Promise<void> {
  const { serial, head, live } = await ada.admin.listAdmins();
  const statement = {
    serial: serial + 1,
    previous: head,
    audience: AUDIENCE,
    live,
    at: world.now(),
    change: what,
  };
  await ada.admin.changeRoster(await signRosterChange(statement, ada.signer));
}

const admit = (at: Office, account: Partial<Account> = {}) =>
  change(at, { act: "add", account: { ...ACCOUNT, ...account } });

interface Attempt {
  /** Whose nonce stands in the token; the session's own unless said. */
  readonly nonce?: (nonce: string) => string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly change?: (request: SignIn) => Partial<SignIn>;
  readonly signer?: Signer;
  /** What the session asks the provider for, in the place of what the broker gave. */
  readonly challenge?: (challenge: Uint8Array) => Uint8Array;
  /** By which name the broker is asked for; its own unless said. */
  readonly audience?: string;
}

async function ask({ broker: { app } }: Office, body?: string) {
  const answer = await app.request(PATH, {
    ...(body === undefined ? {} : { method: "POST", body, headers: { "content-type": "application/json" } }),
  });
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) };
}

const sessionSigner = () => createEd25519Signer(ACCOUNT.kid, generateEd25519Pem());

/** What somebody sends who has the provider's word. */
async function requestOf(at: Office, attempt: Attempt = {}): Promise<{ request: SignIn; signer: Signer }> {
  const offered = decodeSignInOffer((await ask(at)).bytes).challenge;
  const challenge = attempt.challenge?.(offered) ?? offered;
  const signer = attempt.signer ?? sessionSigner();
  const { spki } = signer;
  const { audience = AUDIENCE } = attempt;
  const nonce = signInNonce({ audience, challenge, spki }, nodePrimitives.digest);
  const iat = at.world.now();
  const good = {
    iss: ISSUER,
    sub: SUBJECT,
    aud: CLIENT,
    iat,
    exp: iat + 600,
    nonce: attempt.nonce?.(nonce) ?? nonce,
  };
  const idToken = forged({ alg: "ES256", kid: "one" }, { ...good, ...attempt.claims }, KEY.sign);
  const request = { issuer: ISSUER, idToken, challenge, key: spki };
  return { request: { ...request, ...attempt.change?.(request) }, signer };
}

async function signedIn(at: Office, attempt: Attempt = {}) {
  const { request, signer } = await requestOf(at, attempt);
  const { status, bytes } = await ask(at, encodeSignIn(request));
  if (status !== 201) return { status, request };
  const answer = decodeSignedIn(bytes);
  return { status, request, answer, client: clientOf(at, answer.session, signer) };
}

function clientOf({ broker, world }: Office, session: string, signer: Signer): AdminClient {
  return createAdminClient({
    url: AUDIENCE,
    audience: AUDIENCE,
    signer,
    session,
    fetch: async (input, init) => broker.app.request(String(input).slice(AUDIENCE.length), init),
    now: world.now,
    random,
    digest: nodePrimitives.digest,
  });
}

async function clientIn(at: Office, attempt: Attempt = {}) {
  const { client, answer } = await signedIn(at, attempt);
  if (client === undefined || answer === undefined) throw new Error("nobody came in");
  return { client, answer };
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (no: { readonly code: string }) => no.code,
  );

const NO = "admin/unauthorized"; // as a client reads the wire code of every 401

describe("a broker without providers", () => {
  it("has no sign-in", async () => {
    const { broker } = peopleAtHand();
    expect((await broker.app.request(PATH)).status).toBe(404);
    const { request } = await requestOf(office());
    const answer = await broker.app.request(PATH, {
      method: "POST",
      body: encodeSignIn(request),
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(404);
  });
});

describe("an account of the roster", () => {
  it("signs in, and asks with the roles that it has and no more", async () => {
    const at = office();
    await admit(at);
    const { client, answer } = await clientIn(at);
    expect(answer).toMatchObject({ kid: "ada-sso", person: "ada", roles: ["operator", "auditor"] });
    expect(answer.expiresAt).toBe(at.world.now() + 1800);
    await client.putSecret("prod/disk", { kind: "static", plaintext: utf8("correct horse") });
    expect((await client.listSecrets()).map(({ path }) => path)).toEqual(["prod/disk"]);
    const { accounts } = await client.listAdmins();
    expect(accounts).toEqual([ACCOUNT]);
    const tar = packBundle([{ path: "test.writ", text: POLICY }], undefined, nodePrimitives.digest);
    expect(await codeOf(client.proposeBundle({ tar, signature: "{}" }))).toBe("admin/forbidden");
  });

  it("reaches no further than its paths", async () => {
    const at = office();
    await admit(at, { under: ["prod/db"] });
    const { client } = await clientIn(at);
    await client.putSecret("prod/db/key", { kind: "static", plaintext: utf8("x") });
    expect(await codeOf(client.putSecret("prod/web/key", { kind: "static", plaintext: utf8("x") }))).toBe(
      "admin/forbidden",
    );
    expect(await codeOf(client.listFindings(undefined))).toBe("admin/forbidden");
  });

  it("is in the log before it is in, with the provider's key that vouched for it", async () => {
    const at = office();
    await admit(at);
    await signedIn(at);
    const entries = (await at.world.store.entries(0, 9)).map(({ draft }) => draft);
    expect(entries).toMatchObject([
      { act: "admin-add", subject: `ada-sso of ada: operator auditor; every path; signs in by ${ISSUER}` },
      { act: "admin-sign-in", actor: "ada-sso", subject: `by oidc-key/${ISSUER}/one` },
    ]);
    const uses = await at.world.store.credentialUses("", 9);
    expect(uses.map(({ name }) => name)).toEqual([`oidc-key/${ISSUER}/one`]);
  });

  it("is none before the root says so, and nothing is written of whoever tries", async () => {
    const at = office();
    expect((await signedIn(at)).status).toBe(401);
    expect(await at.world.store.entries(0, 9)).toEqual([]);
    const refusal = at.broker.lines.find(({ event }) => event === "refused");
    const told = { code: "login/refused", "detail.issuer": ISSUER, "detail.subject": SUBJECT };
    expect(refusal).toMatchObject(told);
  });
});

describe("a sign-in", () => {
  const stranger = sessionSigner();
  const refused: readonly (readonly [string, Attempt])[] = [
    ["for the key of another session", { change: () => ({ key: stranger.spki }) }],
    ["that was asked for by another broker's name", { audience: "https://other.example" }],
    ["with a nonce of somebody else", { nonce: () => base64UrlOf(random(32)) }],
    ["without a nonce", { claims: { nonce: undefined } }],
    ["with a challenge of nobody", { challenge: (challenge) => flipped(challenge, 30) }],
    ["with a challenge for longer", { challenge: (challenge) => flipped(challenge, 2) }],
    ["with a challenge of another epoch", { challenge: (challenge) => flipped(challenge, 0) }],
    ["with a challenge that is cut", { challenge: (challenge) => challenge.slice(0, 36) }],
    ["of an account that nobody admitted", { claims: { sub: "another" } }],
    ["of an account that is called like an admin", { claims: { sub: "ada" } }],
    ["of an account that is called like its record", { claims: { sub: "ada-sso" } }],
    [
      "by the address of mail alone",
      { claims: { sub: "another", email: SUBJECT, preferred_username: "ada-sso" } },
    ],
    [
      "by a provider that the configuration does not name",
      { change: () => ({ issuer: "https://evil.example" }) },
    ],
    ["by this broker itself", { claims: { iss: AUDIENCE }, change: () => ({ issuer: AUDIENCE }) }],
  ];

  it.each(refused)("is refused %s", async (_name, attempt) => {
    const at = office();
    await admit(at);
    expect((await signedIn(at, attempt)).status).toBe(401);
    expect((await at.world.store.entries(0, 9)).map(({ draft }) => draft)).toMatchObject([
      { act: "admin-add" },
    ]);
  });

  it("is refused with a token that a broker gives to guests", async () => {
    const at = office();
    await admit(at);
    const { request } = await requestOf(at);
    const { current } = await at.world.tokenKeys.keys();
    const [, claims = ""] = request.idToken.split(".");
    const header = base64UrlOf(
      utf8(JSON.stringify({ alg: "ES256", kid: current.signer.kid, typ: "eat+jwt" })),
    );
    const signature = base64UrlOf(await current.signer.sign(utf8(`${header}.${claims}`)));
    const body = encodeSignIn({ ...request, idToken: `${header}.${claims}.${signature}` });
    expect((await ask(at, body)).status).toBe(401);
  });

  it("is good once: the same token opens no second session, nor does another token for the same challenge", async () => {
    const at = office();
    await admit(at);
    const { request } = await signedIn(at);
    expect((await ask(at, encodeSignIn(request))).status).toBe(401);
    const again = await signedIn(at, { change: () => request });
    expect(again.status).toBe(401);
    expect((await at.world.store.entries(0, 9)).filter(({ draft }) => draft.kind === "admin")).toHaveLength(
      2,
    );
  });

  it("is good once where many send it at a time", async () => {
    const at = office();
    await admit(at);
    const { request } = await requestOf(at);
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(at, encodeSignIn(request))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 401, 401, 401]);
  });

  it("is refused ten minutes after its challenge", async () => {
    const at = office();
    await admit(at);
    const { request } = await requestOf(at, {
      claims: { iat: at.world.now() + 599, exp: at.world.now() + 900 },
    });
    at.broker.pass(600);
    expect((await ask(at, encodeSignIn(request))).status).toBe(401);
  });

  it("is malformed with a key of another kind, a member more or a token that is none", async () => {
    const at = office();
    await admit(at);
    const { request } = await requestOf(at);
    expect((await ask(at, encodeSignIn({ ...request, key: random(44) }))).status).toBe(400);
    expect((await ask(at, encodeSignIn({ ...request, idToken: "a.b" }))).status).toBe(400);
    const more = JSON.stringify({ ...JSON.parse(encodeSignIn(request)), kid: "ada" });
    expect((await ask(at, more)).status).toBe(400);
    expect((await ask(at, encodeSignIn({ ...request, idToken: `${"a".repeat(16_384)}.b.c` }))).status).toBe(
      400,
    );
  });

  it("waits for nobody else, and nobody waits for it: without the provider there are no new sessions, and nothing else is missing", async () => {
    const at = office();
    await admit(at);
    const { client } = await clientIn(at);
    at.provider.answer = () => Promise.reject(new TypeError("fetch failed"));
    at.broker.pass(601);
    expect((await signedIn(at)).status).toBe(503);
    expect(await codeOf(client.listSecrets())).toBeUndefined();
    expect(await codeOf(at.ada.admin.listAdmins())).toBeUndefined();
  });

  it("is limited by source like a challenge", async () => {
    const at = office();
    for (let i = 0; i < 10; i += 1) expect((await ask(at)).status).toBe(200);
    expect((await ask(at)).status).toBe(429);
  });
});

describe("whoever writes to the database", () => {
  it("admits no account: a row that nobody of the root signed ends sign-ins, and all acts of admins", async () => {
    const at = office();
    const mallory = at.stranger({ kid: "mallory", roles: [], owns: ["root"] });
    const statement = {
      serial: 1,
      previous: undefined,
      audience: AUDIENCE,
      live: undefined,
      at: at.world.now(),
      change: { act: "add", account: ACCOUNT } as const,
    };
    const envelope = await signRosterChange(statement, mallory.signer);
    const digest = hexOf(nodePrimitives.digest("sha256", encodeRosterChange(statement)));
    const row = { serial: 1, envelope, digest, at: at.world.now(), by: "mallory" };
    const entry = {
      v: 1,
      kind: "admin",
      time: at.world.now(),
      actor: "mallory",
      act: "x",
      subject: "",
      digest,
    };
    expect(await at.world.store.putRosterChange(row, 0, { ...entry, v: 1, kind: "admin" })).toBe(true);
    expect((await signedIn(at)).status).toBe(503);
    expect(at.broker.lines.filter(({ event }) => event === "refused").at(-1)).toMatchObject({
      code: "roster/altered",
    });
  });
});

describe("a session", () => {
  it("ends by itself", async () => {
    const at = office({ sessionSeconds: 60 });
    await admit(at);
    const { client } = await clientIn(at);
    at.broker.pass(59);
    expect(await codeOf(client.listSecrets())).toBeUndefined();
    at.broker.pass(1);
    expect(await codeOf(client.listSecrets())).toBe(NO);
  });

  it("ends the moment that its account is removed, and stays ended when that comes back under another name", async () => {
    const at = office();
    await admit(at);
    const own = sessionSigner();
    const { client, answer } = await clientIn(at, { signer: own });
    await change(at, { act: "remove", kid: ACCOUNT.kid });
    expect(await codeOf(client.listSecrets())).toBe(NO);
    expect((await signedIn(at)).status).toBe(401);
    expect(await codeOf(admit(at))).toBe("roster/bad-statement");
    await admit(at, { kid: "ada-again" });
    expect(await codeOf(client.listSecrets())).toBe(NO);
    const renamed = clientOf(at, answer.session, { ...own, kid: "ada-again" });
    expect(await codeOf(renamed.listSecrets())).toBe(NO);
    const signer = createEd25519Signer("ada-again", generateEd25519Pem());
    expect(await codeOf((await clientIn(at, { signer })).client.listSecrets())).toBeUndefined();
  });

  it("ends when the configuration names its provider no more", async () => {
    const at = office();
    await admit(at);
    const { client } = await clientIn(at);
    expect(await codeOf(client.listSecrets())).toBeUndefined();
    at.forget();
    expect(await codeOf(client.listSecrets())).toBe(NO);
  });

  it("is nothing without its key, under another name, or changed in one byte", async () => {
    const at = office();
    await admit(at);
    await admit(at, { kid: "ben-sso", subject: "other", person: "ben" });
    const signer = sessionSigner();
    const { answer } = await signedIn(at, { signer });
    const { session = "" } = answer ?? {};
    expect(await codeOf(clientOf(at, session, signer).listSecrets())).toBeUndefined();
    expect(await codeOf(clientOf(at, session, sessionSigner()).listSecrets())).toBe(NO);
    expect(await codeOf(clientOf(at, session, { ...signer, kid: "ben-sso" }).listSecrets())).toBe(NO);
    expect(await codeOf(clientOf(at, session, { ...signer, kid: "ada" }).listSecrets())).toBe(NO);
    const [payload = "", signature = ""] = session.split(".");
    const others = [
      payload.replace(/.$/, "A"),
      `${payload}.${flippedText(signature)}`,
      `${session}.x`,
      "x",
      ".",
    ];
    for (const other of others) expect(await codeOf(clientOf(at, other, signer).listSecrets())).toBe(NO);
    const mine = JSON.stringify({
      ...ACCOUNT,
      v: 1,
      aud: AUDIENCE,
      key: base64UrlOf(signer.spki),
      iat: 0,
      exp: 9e9,
    });
    const forgedSession = `${base64UrlOf(utf8(mine))}.${signature}`;
    expect(await codeOf(clientOf(at, forgedSession, signer).listSecrets())).toBe(NO);
  });

  it("of another broker, or for a key that is none, is none here", async () => {
    const at = office();
    await admit(at);
    const signer = sessionSigner();
    const grant = { account: ACCOUNT, spki: signer.spki, expiresAt: at.world.now() };
    const { settings } = at.world;
    const expiresAt = (await clientIn(at)).answer.expiresAt;
    const elsewhere = { ...at.world, settings: { ...settings, audience: "https://other.example" } };
    const foreign = await signSession({ ...grant, expiresAt }, elsewhere);
    expect(await codeOf(clientOf(at, foreign, signer).listSecrets())).toBe(NO);
    const over = await signSession(grant, at.world);
    expect(await codeOf(clientOf(at, over, signer).listSecrets())).toBe(NO);
    const keyless = await signSession({ ...grant, spki: random(44), expiresAt }, at.world);
    expect(await codeOf(clientOf(at, keyless, signer).listSecrets())).toBe(NO);
  });

  it("is no admin's key: what an admin with a key sends beside it counts for nothing", async () => {
    const at = office();
    await admit(at);
    const { answer } = await signedIn(at);
    const both = clientOf(at, answer?.session ?? "", at.ada.signer);
    expect(await codeOf(both.listSecrets())).toBe(NO);
  });
});

describe("any text in the place of a session", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.tuple(fc.base64String(), fc.base64String()).map((parts) => parts.join(".").replace(/[+/=]/g, "_")),
    fc.json().map((json) => `${base64UrlOf(utf8(json))}.${base64UrlOf(new Uint8Array(64))}`),
  );

  test.prop([texts])("opens nothing and breaks nothing", async (session) => {
    const at = office();
    expect(await codeOf(openSession(session, at.world))).toBe(NO);
  });

  test.prop([fc.uint8Array({ maxLength: 64 })])("nor does any challenge", async (challenge) => {
    const at = office();
    expect(await openSignInChallenge(challenge, at.world)).toBeUndefined();
  });
});

describe("a statement that was signed with the key of a session", () => {
  async function twoPeople() {
    const at = office();
    await admit(at);
    const signer = sessionSigner();
    const { client } = await clientIn(at, { signer });
    return { at, client, signer };
  }

  it("changes no roster", async () => {
    const { at, client, signer } = await twoPeople();
    const { serial, head, live } = await client.listAdmins();
    const mallory = at.stranger({ kid: "mallory", roles: ["author"], owns: ["root"] });
    const statement = {
      serial: serial + 1,
      previous: head,
      audience: AUDIENCE,
      live,
      at: at.world.now(),
      change: { act: "add", admin: mallory.record },
    } as const;
    const envelope = await signRosterChange(statement, signer);
    expect(await codeOf(client.changeRoster(envelope))).toBe("roster/bad-statement");
    expect((await at.ada.admin.listAdmins()).admins.map(({ kid }) => kid)).toEqual(["ada"]);
  });

  it("is no bundle, no activation and no approval", async () => {
    const { at, client, signer } = await twoPeople();
    const tar = packBundle([{ path: "test.writ", text: POLICY }], undefined, nodePrimitives.digest);
    const bundle = { tar, signature: await signBundle(tar, signer) };
    expect(await codeOf(at.ada.admin.proposeBundle(bundle))).toBe("policy/bad-signature");
    expect(await codeOf(client.approveBundle("a".repeat(64), "{}"))).toBe("admin/forbidden");
    const approval = {
      resource: "prod/db",
      op: "release",
      report: "a".repeat(64),
      channel: "application",
      audience: AUDIENCE,
      at: at.world.now(),
    } as const;
    const statement = await signRequestApproval(approval, signer);
    expect(await codeOf(client.approveRequest(statement))).toBe("admin/forbidden");
  });
});

describe("a record of an account", () => {
  const cases: readonly (readonly [string, JsonObject])[] = [
    ["an author", { roles: ["author"] }],
    ["an approver", { roles: ["operator", "approver"] }],
    ["one for emergencies", { roles: ["break-glass"] }],
    ["an owner of the root", { owns: ["root"] }],
    ["an owner of a group", { owns: ["database"] }],
    [
      "of a provider that nobody configured",
      { key: { type: "oidc", issuer: "https://evil.example", subject: "x" } },
    ],
    ["of a provider without TLS", { key: { type: "oidc", issuer: "http://idp.example", subject: "x" } }],
    ["without a subject", { key: { type: "oidc", issuer: ISSUER, subject: "" } }],
    ["known by its address of mail", { key: { type: "oidc", issuer: ISSUER, email: "ada@example.org" } }],
    ["with a key besides", { key: { type: "oidc", issuer: ISSUER, subject: "x", spki: "x" } }],
    [
      "of an account that is there",
      { kid: "other", key: { type: "oidc", issuer: ISSUER, subject: SUBJECT } },
    ],
    ["under the name of an admin", { kid: "ada", key: { type: "oidc", issuer: ISSUER, subject: "x" } }],
  ];

  it.each(cases)("is refused as %s, whoever signed it", async (_name, deviation) => {
    const at = office();
    await admit(at);
    const record = {
      kid: "new",
      key: { type: "oidc", issuer: ISSUER, subject: "new" },
      person: "new",
      roles: ["auditor"],
      under: [],
      owns: [],
      ...deviation,
    };
    expect(await codeOf(sendRecord(at, at.ada, record))).toBe("roster/bad-statement");
    expect((await at.ada.admin.listAdmins()).accounts).toEqual([ACCOUNT]);
  });
});

async function sendRecord({ world }: Office, by: PersonAtHand, admin: JsonObject): Promise<unknown> {
  const { serial, head = null, live } = await by.admin.listAdmins();
  const statement = {
    v: 1,
    serial: serial + 1,
    previous: head,
    audience: AUDIENCE,
    live: live === undefined ? null : { serial: live.serial, envelope: live.envelope },
    at: world.now(),
    act: "add",
    admin,
  };
  const payload = canonicalJsonBytes(statement);
  return by.admin.changeRoster(await signDsse("application/vnd.ostiary.roster.v1+json", payload, by.signer));
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
}

function flippedText(text: string): string {
  return `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
}
