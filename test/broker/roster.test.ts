/** Can somebody become an admin, or stay one, without the root's word? Not by writing rows, taking them away or signing late. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import type { FaultCode } from "../../src/base/fault-codes.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import { beginEpoch, refuseAltered } from "../../src/broker/startup.ts";
import type { Store } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import type { Admin, Governance } from "../../src/policy/admins.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import {
  encodeRosterChange,
  type RosterChange,
  type RosterStatement,
  rosterChangeIn,
  signRosterChange,
} from "../../src/policy/roster.ts";
import { cosignDsse, signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { governedParts, type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";
import { POLICY } from "../pipeline/guest-at-hand.ts";

const ROLES = ["author", "operator"] as const;

/** Three people of the root, two of whom sign changes; and one policy that is live. */
async function team(governance: Partial<Governance> = {}) {
  const people = peopleAtHand({ rootThreshold: 2, ...governance });
  const [ada, ben, cem] = ["ada", "ben", "cem"].map((kid) =>
    people.add({ kid, roles: ROLES, owns: ["root"] }),
  );
  if (ada === undefined || ben === undefined || cem === undefined) throw new Error("three people");
  return { people, world: people.broker.world, ada, ben, cem };
}

async function statementOf(
  { admin }: PersonAtHand,
  world: World,
  change: RosterChange,
  other: Partial<RosterStatement> = {},
): Promise<RosterStatement> {
  const { serial, head, live } = await admin.listAdmins();
  return { serial: serial + 1, previous: head, audience: AUDIENCE, live, at: world.now(), change, ...other };
}

async function signed(
  statement: RosterStatement,
  [first, ...others]: readonly PersonAtHand[],
): Promise<string> {
  if (first === undefined) throw new Error("nobody signs");
  let envelope = await signRosterChange(statement, first.signer);
  for (const { signer } of others) envelope = await cosignDsse(envelope, signer); // in order: each adds to it
  return envelope;
}

async function changed(by: readonly PersonAtHand[], world: World, change: RosterChange): Promise<string> {
  const [sender] = by;
  if (sender === undefined) throw new Error("nobody sends");
  const envelope = await signed(await statementOf(sender, world, change), by);
  await sender.admin.changeRoster(envelope);
  return envelope;
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (thrown: { readonly code: string }) => thrown.code,
  );
}

const adding = (admin: Admin): RosterChange => ({ act: "add", admin });
const removing = (kid: string): RosterChange => ({ act: "remove", kid });

async function makeLive({ admin, signer }: PersonAtHand, world: World, text = POLICY): Promise<string> {
  const { live, roster = null } = await admin.listBundles();
  const tar = packBundle([{ path: "test.writ", text }], live?.digest, nodePrimitives.digest);
  const { digest } = await admin.proposeBundle({ tar, signature: await signBundle(tar, signer) });
  const order = { digest, serial: (live?.serial ?? 0) + 1, audience: AUDIENCE, at: world.now(), roster };
  await admin.activateBundle(digest, await signActivation(order, signer));
  return digest;
}

/** The same broker begun anew on what is in the database, which somebody may have changed. */
function anew(world: World, store: Partial<Store> = {}): World {
  const base = { ...world, store: { ...world.store, ...store } };
  return { ...base, ...governedParts(base) };
}

describe("an admin who was added", () => {
  it("is one from then on, with roles and no more; whoever was removed is none", async () => {
    const { people, world, ada, ben } = await team();
    const dan = people.stranger({ kid: "dan", roles: ["auditor"] });
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(401);
    await changed([ada, ben], world, adding(dan.record));
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(200);
    expect((await dan.ask("PUT", "/v1/admin/secrets/a")).fault).toBe("admin/forbidden");
    expect((await ada.admin.listAdmins()).admins.map(({ kid }) => kid)).toEqual(["ada", "ben", "cem", "dan"]);
    await changed([ben, ada], world, removing("dan"));
    expect((await dan.ask("GET", "/v1/admin/policies")).status).toBe(401);
    const acts = (await world.store.entries(0, 9)).map(({ draft }) => draft);
    expect(acts).toMatchObject([
      { act: "admin-add", actor: "ada", subject: "dan of dan: auditor; every path" },
      { act: "admin-remove", actor: "ben", subject: "dan" },
    ]);
  });

  it("may be one of the root, and sign with the others", async () => {
    const { people, world, ada, ben } = await team();
    const dan = people.stranger({ kid: "dan", roles: ["auditor"], owns: ["root"] });
    await changed([ada, ben], world, adding(dan.record));
    await changed([dan, ada], world, removing("ben"));
    expect((await dan.admin.listAdmins()).admins.map(({ kid }) => kid)).toEqual(["ada", "cem", "dan"]);
  });
});

describe("a change of the roster", () => {
  const deviations: readonly (readonly [string, FaultCode, Partial<RosterStatement>])[] = [
    ["out of turn", "roster/not-next", { serial: 2 }],
    ["on top of another", "roster/not-next", { previous: "a".repeat(64) }],
    ["for another broker", "roster/bad-statement", { audience: "https://other.example" }],
    [
      "that vouches for what is not live",
      "roster/not-next",
      { live: { serial: 1, envelope: "a".repeat(64) } },
    ],
    ["of last year", "roster/not-next", { at: 1_760_000_000 }],
    ["of tomorrow", "roster/not-next", { at: 1_795_550_000 }],
  ];
  it.each(deviations)("%s is refused", async (_name, code, other) => {
    const { people, world, ada, ben } = await team();
    const { record } = people.stranger({ kid: "dan", roles: ["auditor"] });
    const envelope = await signed(await statementOf(ada, world, adding(record), other), [ada, ben]);
    expect(await codeOf(ada.admin.changeRoster(envelope))).toBe(code);
    expect(await world.store.rosterChanges()).toEqual([]);
  });

  it("is refused with fewer signatures than it takes, of people and not of keys, and of nobody beside the root", async () => {
    const { people, world, ada, ben, cem } = await team();
    const second = people.add({ kid: "ada-2", person: "ada", roles: ROLES, owns: ["root"] });
    const dan = people.add({ kid: "dan", roles: ROLES });
    const eve = people.stranger({ kid: "ben", roles: ROLES });
    const statement = await statementOf(
      ada,
      world,
      adding({ ...dan.record, kid: "new", spki: eve.record.spki }),
    );
    for (const by of [[ada], [ada, ada], [ada, second], [ada, dan], [ada, eve]]) {
      expect(await codeOf(ada.admin.changeRoster(await signed(statement, by)))).toBe("roster/bad-statement");
    }
    expect(await codeOf(ada.admin.changeRoster(await signed(statement, [ben, cem])))).toBeUndefined();
  });

  it.each([
    ["a name that is taken", (dan: Admin, ada: Admin) => adding({ ...dan, kid: ada.kid })],
    ["a key that is taken", (dan: Admin, ada: Admin) => adding({ ...dan, spki: ada.spki })],
    ["a group that there is not", (dan: Admin) => adding({ ...dan, owns: ["rooot"] })],
    ["the name of nobody", () => removing("nobody")],
  ])("is refused for %s", async (_name, change) => {
    const { people, world, ada, ben } = await team();
    const dan = people.stranger({ kid: "dan", roles: ["auditor"] });
    const envelope = await signed(await statementOf(ada, world, change(dan.record, ada.record)), [ada, ben]);
    expect(await codeOf(ada.admin.changeRoster(envelope))).toBe("roster/bad-statement");
  });

  it("gives a key that was removed to nobody again", async () => {
    const { people, world, ada, ben } = await team();
    const { record } = people.stranger({ kid: "dan", roles: ["auditor"] });
    await changed([ada, ben], world, adding(record));
    await changed([ada, ben], world, removing("dan"));
    for (const again of [record, { ...record, kid: "daniel" }]) {
      expect(await codeOf(changed([ada, ben], world, adding(again)))).toBe("roster/bad-statement");
    }
  });

  it("leaves as many people in the root as it takes", async () => {
    const { world, ada, ben } = await team();
    await changed([ada, ben], world, removing("cem"));
    expect(await codeOf(changed([ada, ben], world, removing("ada")))).toBe("roster/bad-statement");
  });

  it("counts once of two that race", async () => {
    const { people, world, ada, ben, cem } = await team();
    const [dan, eve] = ["dan", "eve"].map((kid) => people.stranger({ kid, roles: ["auditor"] }).record);
    if (dan === undefined || eve === undefined) throw new Error("two people");
    const first = await signed(await statementOf(ada, world, adding(dan)), [ada, ben]);
    const second = await signed(await statementOf(ben, world, adding(eve)), [ben, cem]);
    const codes = await Promise.all([
      codeOf(ada.admin.changeRoster(first)),
      codeOf(ben.admin.changeRoster(second)),
    ]);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes).toContain("roster/not-next");
    expect(await world.store.rosterChanges()).toHaveLength(1);
  });
});

describe("the roster in the database", () => {
  async function altered(world: World, store: Partial<Store>): Promise<string | undefined> {
    return codeOf(anew(world, store).roster());
  }

  it("is followed from the root at each start, and is the one that was signed", async () => {
    const { people, world, ada, ben } = await team();
    const { record } = people.stranger({ kid: "dan", roles: ["auditor"] });
    await changed([ada, ben], world, adding(record));
    const { now } = await anew(world).roster();
    expect(now.admins.at(-1)).toEqual(record);
  });

  it("is refused where somebody wrote a change into it that the root did not sign", async () => {
    const { people, world, ada, ben } = await team();
    const eve = people.stranger({ kid: "eve", roles: ROLES, owns: ["root"] });
    const statement = await statementOf(ada, world, adding(eve.record));
    const digest = hexOf(nodePrimitives.digest("sha256", encodeRosterChange(statement)));
    for (const by of [[eve], [ada, eve], [ada]]) {
      const row = { serial: 1, envelope: await signed(statement, by), digest, at: world.now(), by: "ada" };
      expect(await altered(world, { rosterChanges: async () => [row], rosterHead: async () => row })).toBe(
        "roster/altered",
      );
    }
    const good = await signed(statement, [ada, ben]);
    const row = { serial: 1, envelope: good, digest, at: world.now(), by: "ada" };
    for (const other of [
      { ...row, serial: 2 },
      { ...row, digest: "a".repeat(64) },
      { ...row, envelope: "{}" },
    ]) {
      expect(
        await altered(world, { rosterChanges: async () => [other], rosterHead: async () => other }),
      ).toBe("roster/altered");
    }
    expect(
      await altered(world, { rosterChanges: async () => [row], rosterHead: async () => row }),
    ).toBeUndefined();
  });

  it("is refused where a removal was cut off: the log's head remembers it, and so does a broker that saw it", async () => {
    const { people, world, ada, ben } = await team();
    const { record } = people.stranger({ kid: "dan", roles: ROLES });
    await changed([ada, ben], world, adding(record));
    await changed([ada, ben], world, removing("dan"));
    const [first] = await world.store.rosterChanges();
    if (first === undefined) throw new Error("a change");
    const cut = { rosterChanges: async () => [first], rosterHead: async () => first };
    const running = anew(world, {});
    await running.roster();
    const store = { ...running.store, ...cut };
    expect(await altered(world, cut)).toBeUndefined(); // nobody signed a head of the log since
    await advanceCheckpoint(world);
    expect(await altered(world, cut)).toBe("roster/altered");
    expect(await altered(world, { rosterChanges: async () => [], rosterHead: async () => undefined })).toBe(
      "roster/altered",
    );
    expect(await codeOf(beginEpoch(anew(world, cut)))).toBe("roster/altered");
    expect(await codeOf(refuseAltered(anew({ ...world, store })))).toBe("roster/altered");
  });

  it("is known from the log where what stands beside its head was taken away, and refused where that was changed", async () => {
    const { people, world, ada, ben } = await team();
    const { record } = people.stranger({ kid: "dan", roles: ROLES });
    await beginEpoch(world);
    await advanceCheckpoint(world);
    const before = (await world.store.checkpoint())?.acts ?? "";
    await changed([ada, ben], world, adding(record));
    await advanceCheckpoint(world);
    const none = { rosterChanges: async () => [], rosterHead: async () => undefined };
    const kept = await world.store.checkpoint();
    if (kept?.acts === undefined) throw new Error("a head with its acts");
    const { acts, ...bare } = kept;
    expect(await altered(world, { ...none, checkpoint: async () => bare })).toBe("roster/altered");
    const blank = acts.replace(/"payload":"[^"]*"/, '"payload":"e30"');
    for (const other of [before, blank, "{}", acts.replace("e", "f")]) {
      const code = await altered(world, { ...none, checkpoint: async () => ({ ...kept, acts: other }) });
      expect(code).toBe("ledger/inconsistent");
    }
  });
});

describe("a policy that somebody activated who is no admin now", () => {
  it("stays live where the change that removed them vouches for it", async () => {
    const { world, ada, ben, cem } = await team();
    const digest = await makeLive(cem, world);
    await changed([ada, ben], world, removing("cem"));
    expect((await anew(world).liveBundle())?.digest).toBe(digest);
  });

  it("is refused where they signed it afterwards, whatever roster it names", async () => {
    const { world, ada, ben, cem } = await team();
    const digest = await makeLive(ada, world);
    const before = (await ada.admin.listBundles()).roster ?? null;
    await changed([ada, ben], world, removing("cem"));
    const { roster: after = null } = await ada.admin.listBundles();
    const tar = packBundle(
      [{ path: "test.writ", text: POLICY.replace("1.0.0", "1.0.1") }],
      digest,
      nodePrimitives.digest,
    );
    const bundle = {
      digest: hexOf(nodePrimitives.digest("sha256", tar)),
      tar,
      signature: await signBundle(tar, cem.signer),
    };
    for (const roster of [before, after]) {
      const order = { digest: bundle.digest, serial: 2, audience: AUDIENCE, at: world.now(), roster };
      const signature = await signActivation(order, cem.signer);
      const row = { serial: 2, digest: bundle.digest, signature, at: world.now(), by: "cem" };
      const forged = { ...bundle, proposedAt: world.now(), proposedBy: "cem" };
      const load = anew(world, { liveActivation: async () => row, bundle: async () => forged }).liveBundle();
      expect(await codeOf(load)).toBe("policy/bad-signature");
    }
  });

  it("is refused where an older one was put in its place: the log and a broker that saw it remember", async () => {
    const { world, ada } = await team();
    await makeLive(ada, world);
    const first = await world.store.liveActivation();
    await makeLive(ada, world, POLICY.replace("1.0.0", "1.0.1"));
    const older = { liveActivation: async () => first };
    const running = anew(world);
    expect(await running.liveBundle()).toBeDefined();
    await advanceCheckpoint(world);
    expect(await codeOf(anew(world, older).liveBundle())).toBe("policy/altered");
    expect(await codeOf(anew(world, { liveActivation: async () => undefined }).liveBundle())).toBe(
      "policy/altered",
    );
    let isCut = false;
    const cutting = anew(world, {
      liveActivation: async () => (isCut ? first : world.store.liveActivation()),
    });
    expect(await cutting.liveBundle()).toBeDefined();
    isCut = true;
    expect(await codeOf(cutting.liveBundle())).toBe("policy/altered");
  });
});

describe("lost keys", () => {
  it("of one in three of the root: the two others remove it and add another", async () => {
    const { people, world, ada, ben } = await team();
    const fay = people.stranger({ kid: "fay", person: "cem", roles: ROLES, owns: ["root"] });
    await changed([ada, ben], world, removing("cem"));
    await changed([ada, ben], world, adding(fay.record));
    expect((await fay.ask("GET", "/v1/admin/policies")).status).toBe(200);
  });

  it("of too many of the root: the configuration names others and vouches for what was, and the log says so", async () => {
    const { people, world, ada, ben } = await team();
    const dan = people.stranger({ kid: "dan", roles: ["auditor"] });
    await beginEpoch(world);
    await makeLive(ada, world);
    await changed([ada, ben], world, removing("cem"));
    await changed([ada, ben], world, adding(dan.record));
    const { head = "", live } = await ada.admin.listAdmins();
    const gus = people.stranger({ kid: "gus", roles: ROLES, owns: ["root"] });
    const governance = { ...world.settings.governance, admins: [gus.record], rootThreshold: 1 };
    const recovered = (accepts: Governance["accepts"]) =>
      anew({ ...world, settings: { ...world.settings, governance: { ...governance, accepts } } });
    expect(await codeOf(recovered({}).roster())).toBe("roster/altered");
    expect(await codeOf(recovered({ roster: "a".repeat(64) }).roster())).toBe("roster/altered");
    expect(await codeOf(recovered({ roster: head }).liveBundle())).toBe("policy/bad-signature");
    const accepting = recovered({ roster: head, activation: live?.envelope ?? "" });
    const { now } = await accepting.roster();
    expect(now.admins.map(({ kid }) => kid)).toEqual(["gus", "dan"]);
    await beginEpoch(accepting);
    const last = (await world.store.entries(0, 99)).map(({ draft }) => draft).slice(-2);
    expect(last).toMatchObject([
      { act: "root-changed", actor: "configuration", subject: "gus" },
      { act: "start" },
    ]);
  });

  it("cannot be made up for by accepting a history that is not in the database", async () => {
    const { world } = await team();
    const governance = { ...world.settings.governance, accepts: { roster: "a".repeat(64) } };
    const other = anew({ ...world, settings: { ...world.settings, governance } });
    expect(await codeOf(other.roster())).toBe("roster/altered");
  });
});

describe("the record of the root", () => {
  const acts = async ({ store }: World) =>
    (await store.entries(0, 99)).map(({ draft }) => ("act" in draft ? draft.act : ""));

  it("is silent on an empty log and at each start with the same root, and loud where it is another", async () => {
    const { world, people } = await team();
    await beginEpoch(world);
    await beginEpoch(world);
    expect(await acts(world)).toEqual(["start", "start"]);
    people.add({ kid: "new", roles: ROLES, owns: ["root"] });
    await beginEpoch(anew(world));
    expect(await acts(world)).toEqual(["start", "start", "root-changed", "start"]);
  });
});

describe("a statement", () => {
  it("comes back as it was signed, and with one byte otherwise it is none", async () => {
    const { people, world, ada } = await team();
    const { record } = people.stranger({
      kid: "dan",
      roles: ["auditor"],
      under: ["prod/db"],
      owns: ["root"],
    });
    const statement = await statementOf(ada, world, adding(record), {
      live: { serial: 3, envelope: "b".repeat(64) },
    });
    const envelope = await signRosterChange(statement, ada.signer);
    expect(rosterChangeIn(envelope)).toEqual(statement);
    const text = new TextDecoder().decode(encodeRosterChange(statement));
    for (const other of [
      text.replace('"v":1', '"v":2'),
      text.replace('"act":"add"', '"act":"remove"'),
      text.replace('"serial":1', '"serial":0'),
      text.replace("{", "{ "),
      text.replace("{", '{"a":1,'),
      text.replace("ed25519", "rsa"),
      text.replace("auditor", "god"),
      text.replace("prod/db", "prod/*"),
      "",
    ]) {
      const payload = Buffer.from(other).toString("base64url");
      const forged = JSON.stringify({ ...JSON.parse(envelope), payload });
      expect(() => rosterChangeIn(forged), other).toThrow(
        expect.objectContaining({ code: "roster/bad-statement" }),
      );
    }
  });
});
