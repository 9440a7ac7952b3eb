/** Do people with security keys govern as people with key files do, and does nobody else by their keys? Not by rows, replays, old credentials or strange pages. */
import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { beginEpoch, refuseAltered } from "../../src/broker/startup.ts";
import type { Store } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import type { Admin } from "../../src/policy/admins.ts";
import { signApproval } from "../../src/policy/approval.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { signExplanation, signShadow } from "../../src/policy/order-statements.ts";
import { openRequestApproval, signRequestApproval } from "../../src/policy/request-approvals.ts";
import { type RosterChange, signRosterChange } from "../../src/policy/roster.ts";
import { cosignDsse, signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { type GivenPerson, governedParts, type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import { type Deviation, PAGE, RP_ID, type SecurityKey, securityKey, UP } from "../support/security-key.ts";

const { digest: sha } = nodePrimitives;
const WEBAUTHN = { origin: PAGE, rpId: RP_ID };

function policyOf(version: string, ...requires: readonly string[]): string {
  return `writ 1
module acme.test version ${version} { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
${requires.map((one) => `  require ${one}\n`).join("")}  allow "boot" when request.op == release
}
`;
}

const FIRST = policyOf("1.0.0", "not guest.debug");
const OTHER = policyOf("1.0.1", "vmpl == 0");

/** Everybody has a security key: Ada writes, Ben approves, Cem is of the root with Ada. */
function team(webauthn: World["settings"]["webauthn"] = WEBAUTHN) {
  const people = peopleAtHand({ approvals: 1, rootThreshold: 2 });
  const { broker } = people;
  Object.assign(broker.world.settings, webauthn === undefined ? {} : { webauthn });
  const keys = { ada: securityKey(), ben: securityKey("EdDSA"), cem: securityKey() };
  const add = (given: GivenPerson) => people.add(given);
  const ada = add({ kid: "ada", roles: ["author", "operator"], owns: ["root"], key: keys.ada });
  const ben = add({ kid: "ben", roles: ["approver"], key: keys.ben });
  const cem = add({ kid: "cem", roles: ["operator"], owns: ["root"], key: keys.cem });
  return { people, world: broker.world, keys, ada, ben, cem };
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (thrown: { readonly code: string }) => thrown.code,
  );
}

async function proposed({ admin, signer }: PersonAtHand, text: string): Promise<string> {
  const { live } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, sha);
  return (await admin.proposeBundle({ tar, signature: await signBundle(tar, signer) })).digest;
}

async function approvalOf({ admin, signer }: PersonAtHand, digest: string, world: World): Promise<string> {
  const { serial, verdict } = await admin.reviewBundle(digest);
  const expires = addSeconds(world.now(), 3600);
  const approval = { decision: "approve", digest, serial, audience: AUDIENCE, expires, verdict } as const;
  return signApproval(approval, signer);
}

async function activate({ admin, signer }: PersonAtHand, digest: string, world: World) {
  const { live, roster = null } = await admin.listBundles();
  const order = { digest, serial: (live?.serial ?? 0) + 1, audience: AUDIENCE, at: world.now(), roster };
  return admin.activateBundle(digest, await signActivation(order, signer));
}

async function madeLive({ ada, ben, world }: ReturnType<typeof team>, text = FIRST): Promise<string> {
  const digest = await proposed(ada, text);
  await ben.admin.approveBundle(digest, await approvalOf(ben, digest, world));
  await activate(ada, digest, world);
  return digest;
}

async function changed(by: readonly [PersonAtHand, PersonAtHand], world: World, change: RosterChange) {
  const [first, second] = by;
  const { serial, head, live } = await first.admin.listAdmins();
  const statement = { serial: serial + 1, previous: head, audience: AUDIENCE, live, at: world.now(), change };
  return first.admin.changeRoster(
    await cosignDsse(await signRosterChange(statement, first.signer), second.signer),
  );
}

/** The same broker begun anew on what is in the database, which somebody may have changed. */
async function outcomeAnew(world: World, store: Partial<Store> = {}): Promise<string | undefined> {
  const base = { ...world, store: { ...world.store, ...store } };
  const anew = { ...base, ...governedParts(base) };
  try {
    await refuseAltered(anew);
    return (await anew.liveBundle())?.digest;
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown) return String(thrown.code);
    throw thrown;
  }
}

/** Signs as somebody whose key, page or browser is another. */
function otherwise(person: PersonAtHand, key: SecurityKey, deviation: Deviation): PersonAtHand {
  return { ...person, signer: key.signer(person.record.kid, deviation) };
}

describe("people with security keys", () => {
  it("propose, approve and activate, and a broker that begins anew believes it again", async () => {
    const people = team();
    await beginEpoch(people.world);
    const digest = await madeLive(people);
    expect(await outcomeAnew(people.world)).toBe(digest);
    const { statements } = await people.ben.admin.reviewBundle(await proposed(people.ada, OTHER));
    expect(statements).toEqual([]);
  });

  it("bring others in and let them go, two of the root together", async () => {
    const { people, world, ada, cem } = team();
    const dan = people.stranger({ kid: "dan", roles: ["auditor"], key: securityKey() });
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(401);
    const { admins } = await changed([ada, cem], world, { act: "add", admin: dan.record });
    expect(admins.at(-1)).toMatchObject({ kid: "dan", webauthn: { rpId: RP_ID, origin: PAGE } });
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(200);
    await changed([cem, ada], world, { act: "remove", kid: "dan" });
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(401);
  });

  it("order shadows, explain gains and approve single requests", async () => {
    const people = team();
    const { ada, world } = people;
    await madeLive(people);
    const digest = await proposed(ada, OTHER);
    const shadow = { digest, serial: 1, audience: AUDIENCE, until: null };
    expect((await ada.admin.orderShadow(await signShadow(shadow, ada.signer))).isActive).toBe(true);
    const gains = [{ resource: "prod/a", clause: "policy disks", why: "meant" }];
    const explanation = await signExplanation({ digest, audience: AUDIENCE, gains }, ada.signer);
    expect(await ada.admin.explainGains(digest, explanation)).toEqual(gains);
    const subject = {
      resource: "prod/a",
      op: "release",
      report: "ab".repeat(32),
      channel: "ra-tls",
    } as const;
    const approval = { ...subject, audience: AUDIENCE, at: world.now() };
    const envelope = await signRequestApproval(approval, ada.signer);
    expect(await openRequestApproval(envelope, [ada.record], nodePrimitives)).toMatchObject({ approval });
  });
});

describe("what a security key signed counts for nothing", () => {
  it("about another bundle, however it is handed in", async () => {
    const people = team();
    const { ada, ben, world } = people;
    const [one, two] = [await proposed(ada, FIRST), await proposed(ada, OTHER)];
    const approval = await approvalOf(ben, one, world);
    expect(await codeOf(ben.admin.approveBundle(two, approval))).toBe("policy/bad-approval");
    const { signatures } = JSON.parse(approval);
    const moved = JSON.stringify({ ...JSON.parse(await approvalOf(ben, two, world)), signatures });
    expect(await codeOf(ben.admin.approveBundle(two, moved))).toBe("policy/bad-approval");
    expect(await codeOf(activate(ada, two, world))).toBe("policy/unapproved");
  });

  it.each<readonly [string, Deviation]>([
    ["by another page", { clientData: (good) => ({ ...good, origin: "https://evil.broker.example" }) }],
    ["for another domain", { rpId: "evil.example" }],
    ["without the person", { flags: UP }],
    ["in a frame", { clientData: (good) => ({ ...good, crossOrigin: true }) }],
    ["as a registration", { clientData: (good) => ({ ...good, type: "webauthn.create" }) }],
  ])("%s", async (_name, deviation) => {
    const { ada, ben, keys, world } = team();
    const digest = await proposed(ada, FIRST);
    const strange = otherwise(ben, keys.ben, deviation);
    expect(await codeOf(ben.admin.approveBundle(digest, await approvalOf(strange, digest, world)))).toBe(
      "policy/bad-approval",
    );
    expect(await codeOf(activate(otherwise(ada, keys.ada, deviation), digest, world))).toBe(
      "policy/bad-signature",
    );
  });

  it("in the name of somebody else", async () => {
    const { ada, ben, keys, world } = team();
    const digest = await proposed(ada, FIRST);
    const forged = { ...ben, signer: keys.cem.signer("ben") };
    expect(await codeOf(ben.admin.approveBundle(digest, await approvalOf(forged, digest, world)))).toBe(
      "policy/bad-approval",
    );
  });

  it("once its holder was let go", async () => {
    const people = team();
    const { ada, ben, cem, world } = people;
    const digest = await proposed(ada, FIRST);
    const approval = await approvalOf(ben, digest, world);
    await ben.admin.approveBundle(digest, approval);
    await changed([ada, cem], world, { act: "remove", kid: "ben" });
    expect(await codeOf(activate(ada, digest, world))).toBe("policy/unapproved");
    expect(await codeOf(ben.admin.approveBundle(digest, approval))).toBe("admin/unauthorized");
  });

  it("as a bare signature, without an assertion: the key of a file signs so, and this is none", async () => {
    const { ada, ben, keys, world } = team();
    const digest = await proposed(ada, FIRST);
    const bare = {
      ...ben,
      signer: {
        ...ben.signer,
        sign: async (bytes: Uint8Array) => Uint8Array.from(sign(null, bytes, keys.ben.privateKey)),
      },
    };
    expect(await codeOf(ben.admin.approveBundle(digest, await approvalOf(bare, digest, world)))).toBe(
      "policy/bad-approval",
    );
    expect((await bare.admin.listAdmins()).admins.length).toBe(3);
  });

  it("by the key of a file, whose holder never touched anything", async () => {
    const { people, ben, ada, world } = team();
    const file = people.add({ kid: "fay", roles: ["approver"] });
    const digest = await proposed(ada, FIRST);
    const posing = { ...file, signer: securityKey("EdDSA").signer("fay") };
    expect(await codeOf(ben.admin.approveBundle(digest, await approvalOf(posing, digest, world)))).toBe(
      "policy/bad-approval",
    );
  });
});

describe("a security key that comes in", () => {
  const brought = async (admin: Admin, webauthn: World["settings"]["webauthn"] = WEBAUTHN) => {
    const { world, ada, cem } = team(webauthn);
    return codeOf(changed([ada, cem], world, { act: "add", admin }));
  };
  const dan = (key: SecurityKey): Admin => ({
    kid: "dan",
    person: "dan",
    roles: ["auditor"],
    under: [],
    owns: [],
    spki: key.spki,
    webauthn: key.webauthn,
  });

  it("is one of the page that the configuration names", async () => {
    expect(await brought(dan(securityKey()))).toBeUndefined();
    expect(await brought(dan(securityKey("EdDSA")))).toBeUndefined();
  });

  it("is none of another page or domain, nor any where the configuration names none", async () => {
    const elsewhere = securityKey("ES256", { origin: "https://evil.broker.example" });
    expect(await brought(dan(elsewhere))).toBe("roster/bad-statement");
    const above = securityKey("ES256", { rpId: "example", origin: PAGE });
    expect(await brought(dan(above))).toBe("roster/bad-statement");
    const { world, ada, cem } = team();
    Object.assign(world.settings, { webauthn: undefined });
    expect(await codeOf(changed([ada, cem], world, { act: "add", admin: dan(securityKey()) }))).toBe(
      "roster/bad-statement",
    );
  });

  it("is none whose page does not belong to its domain", async () => {
    expect(await brought(dan(securityKey("ES256", { rpId: "other.example", origin: PAGE })))).toBe(
      "roster/bad-statement",
    );
  });

  it("is none whose credential or public key somebody has or had", async () => {
    const { world, ada, cem, keys } = team();
    const fresh = securityKey();
    const sameId = { ...dan(fresh), webauthn: { ...fresh.webauthn, id: keys.ben.webauthn.id } };
    const sameKey = { ...dan(fresh), spki: keys.ben.spki };
    for (const admin of [sameId, sameKey]) {
      expect(await codeOf(changed([ada, cem], world, { act: "add", admin }))).toBe("roster/bad-statement"); // in order
    }
    await changed([ada, cem], world, { act: "remove", kid: "ben" });
    for (const admin of [sameId, sameKey]) {
      expect(await codeOf(changed([ada, cem], world, { act: "add", admin }))).toBe("roster/bad-statement"); // in order
    }
  });
});

describe("whoever writes rows", () => {
  /** The signature inside an envelope, otherwise. */
  function edited(envelope: string, change: (assertion: Record<string, string>) => object): string {
    const opened = JSON.parse(envelope);
    const signatures = opened.signatures.map(({ keyid, sig }: { keyid: string; sig: string }) => {
      const assertion = JSON.parse(Buffer.from(sig, "base64url").toString());
      const changed = JSON.stringify(change(assertion));
      return { keyid, sig: Buffer.from(changed).toString("base64url") };
    });
    return JSON.stringify({ ...opened, signatures });
  }
  const flipped = (text = "") => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;

  it.each([["authenticatorData"], ["clientDataJSON"], ["signature"]])(
    "changes nothing of an assertion unseen: %s",
    async (member) => {
      const people = team();
      await beginEpoch(people.world);
      await madeLive(people);
      const { store } = people.world;
      const change = (envelope: string) =>
        edited(envelope, (assertion) => ({ ...assertion, [member]: flipped(assertion[member]) }));
      const liveActivation = async () => {
        const live = await store.liveActivation();
        return live && { ...live, signature: change(live.signature) };
      };
      const approvalsOf = async (bundle: string) =>
        (await store.approvalsOf(bundle)).map((row) => ({ ...row, envelope: change(row.envelope) }));
      const bundle = async (digest: string) => {
        const stored = await store.bundle(digest);
        return stored && { ...stored, signature: change(stored.signature) };
      };
      expect(await outcomeAnew(people.world, { liveActivation })).toBe("policy/bad-signature");
      expect(await outcomeAnew(people.world, { approvalsOf })).toBe("policy/altered");
      expect(await outcomeAnew(people.world, { bundle })).toBe("policy/bad-signature");
    },
  );

  it("makes nobody an admin by an assertion over another change", async () => {
    const { people, world, ada, cem } = team();
    await beginEpoch(world);
    const [dan, eve] = ["dan", "eve"].map((kid) => people.stranger({ kid, key: securityKey() }));
    if (dan === undefined || eve === undefined) throw new Error("two people");
    await changed([ada, cem], world, { act: "add", admin: dan.record });
    const rosterChanges = async () =>
      (await world.store.rosterChanges()).map((row) => {
        const opened = JSON.parse(row.envelope);
        const payload = Buffer.from(opened.payload, "base64url").toString().replaceAll("dan", "eve");
        return {
          ...row,
          envelope: JSON.stringify({ ...opened, payload: Buffer.from(payload).toString("base64url") }),
        };
      });
    expect(await outcomeAnew(world, { rosterChanges })).toBe("roster/altered");
  });
});
