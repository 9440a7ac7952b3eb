/** Can policy that widens become live without the people who have to agree? Not late, not early, not twice, not by its author, not in a race. */
import { beforeAll, describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import type { Store } from "../../src/broker/store.ts";
import type { World } from "../../src/broker/world.ts";
import type { Governance } from "../../src/policy/admins.ts";
import { type ApprovalStatement, signApproval } from "../../src/policy/approval.ts";
import { packBundle } from "../../src/policy/bundle.ts";
import { verdictDigest } from "../../src/policy/finding.ts";
import { signRosterChange } from "../../src/policy/roster.ts";
import { cosignDsse, signBundle } from "../../src/policy/signatures.ts";
import { signActivation } from "../../src/policy/statements.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { governedParts, type PersonAtHand, peopleAtHand } from "../http/people-at-hand.ts";

const { digest: sha } = nodePrimitives;

/** Small, so that the solver has little to do. */
function policyOf({
  resource = "prod/**",
  requires = "require not guest.debug",
  more = "",
  version = "1.0.0",
} = {}): string {
  return `writ 1
module acme.test version ${version} { owner "ops@acme.example" }
policy disks {
  for resource "${resource}"
  ${requires}
  allow "boot" when request.op == release
}
${more}`;
}

const FIRST = policyOf();
const WIDER = policyOf({ requires: "", version: "2.0.0" });
const NARROWER = policyOf({ requires: "require not guest.debug\n  require vmpl == 0", version: "1.1.0" });

async function team(governance: Partial<Governance> = {}) {
  const people = peopleAtHand({ approvals: 1, rootThreshold: 1, ...governance });
  const ada = people.add({ kid: "ada", roles: ["author", "approver"], owns: ["root"] });
  const ben = people.add({ kid: "ben", roles: ["approver", "author"], owns: ["root", "database"] });
  const cem = people.add({ kid: "cem", roles: ["approver"], owns: ["web"] });
  const oli = people.add({ kid: "oli", roles: ["operator"] });
  return { people, world: people.broker.world, ada, ben, cem, oli };
}

type Team = Awaited<ReturnType<typeof team>>;

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (thrown: { readonly code: string; readonly detail: { readonly fault?: string } }) => thrown.code,
  );
}

async function proposed(
  { admin, signer }: PersonAtHand,
  text: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { live } = await admin.listBundles();
  const sources = [
    { path: "test.writ", text },
    ...Object.entries(more).map(([path, text]) => ({ path, text })),
  ];
  const tar = packBundle(sources, live?.digest, sha);
  return (await admin.proposeBundle({ tar, signature: await signBundle(tar, signer) })).digest;
}

async function statementOf(
  { admin }: PersonAtHand,
  digest: string,
  world: World,
  other: Partial<ApprovalStatement> = {},
): Promise<ApprovalStatement> {
  const { serial, verdict } = await admin.reviewBundle(digest);
  const expires = addSeconds(world.now(), 3600);
  return { decision: "approve", digest, serial, audience: AUDIENCE, expires, verdict, ...other };
}

async function approve(
  by: PersonAtHand,
  digest: string,
  world: World,
  other: Partial<ApprovalStatement> = {},
) {
  return by.admin.approveBundle(
    digest,
    await signApproval(await statementOf(by, digest, world, other), by.signer),
  );
}

async function activate({ admin, signer }: PersonAtHand, digest: string, world: World) {
  const { live, roster = null } = await admin.listBundles();
  const order = { digest, serial: (live?.serial ?? 0) + 1, audience: AUDIENCE, at: world.now(), roster };
  return admin.activateBundle(digest, await signActivation(order, signer));
}

/** The first policy, live, so that what comes next has something to be compared with. */
async function withLive(governance: Partial<Governance> = {}): Promise<Team & { readonly first: string }> {
  const all = await team(governance);
  const first = await proposed(all.ada, FIRST);
  const { needs } = await all.ada.admin.reviewBundle(first);
  for (const by of [all.ben, all.cem]) if (needs.length > 0) await codeOf(approve(by, first, all.world)); // in order
  await activate(all.oli, first, all.world);
  return { ...all, first };
}

async function removed(by: PersonAtHand, kid: string, world: World): Promise<void> {
  const { serial, head, live } = await by.admin.listAdmins();
  const change = { act: "remove", kid } as const;
  const statement = { serial: serial + 1, previous: head, audience: AUDIENCE, live, at: world.now(), change };
  await by.admin.changeRoster(await signRosterChange(statement, by.signer));
}

function anew(world: World, store: Partial<Store> = {}): World {
  const base = { ...world, store: { ...world.store, ...store } };
  return { ...base, ...governedParts(base) };
}

describe("a bundle that widens", () => {
  it("is live once another person than its author approved it, and not before", async () => {
    const { ada, ben, oli, world } = await team();
    const digest = await proposed(ada, FIRST);
    expect(await ada.admin.reviewBundle(digest)).toMatchObject({
      finding: "widens",
      authors: ["ada"],
      needs: [{ approvals: 1, by: [] }],
      isApproved: false,
    });
    expect(await codeOf(activate(oli, digest, world))).toBe("policy/unapproved");
    const after = await approve(ben, digest, world);
    expect(after).toMatchObject({ isApproved: true, needs: [{ approvals: 1, by: ["ben"] }] });
    expect(after.text).toContain("newly allowed, for example:");
    expect((await activate(oli, digest, world)).serial).toBe(1);
    expect((await anew(world).liveBundle())?.digest).toBe(digest);
  });

  it("is approved by nobody who wrote it, with whatever key, and by nobody without the role", async () => {
    const { people, ada, ben, oli, world } = await team();
    const laptop = people.add({ kid: "ada-2", person: "ada", roles: ["approver"] });
    const digest = await proposed(ada, FIRST);
    for (const by of [ada, laptop])
      expect(await codeOf(approve(by, digest, world))).toBe("policy/bad-approval");
    const byOperator = await signApproval(await statementOf(oli, digest, world), oli.signer);
    expect(await codeOf(ben.admin.approveBundle(digest, byOperator))).toBe("policy/bad-approval");
    expect(await codeOf(oli.admin.approveBundle(digest, byOperator))).toBe("admin/forbidden");
    expect(await codeOf(activate(oli, digest, world))).toBe("policy/unapproved");
  });

  it("is approved by nobody who signed it beside its author", async () => {
    const { ada, ben, world } = await team();
    const tar = packBundle([{ path: "test.writ", text: FIRST }], undefined, sha);
    const signature = await cosignDsse(await signBundle(tar, ada.signer), ben.signer);
    const { digest } = await ada.admin.proposeBundle({ tar, signature });
    expect((await ada.admin.reviewBundle(digest)).authors).toEqual(["ada", "ben"]);
    expect(await codeOf(approve(ben, digest, world))).toBe("policy/bad-approval");
  });

  it("may be made live by its author, once others agreed", async () => {
    const { ada, ben, world } = await team();
    const digest = await proposed(ada, FIRST);
    await approve(ben, digest, world);
    expect((await activate(ada, digest, world)).by).toBe("ada");
  });

  it("needs as many people as the configuration says, each counted once", async () => {
    const { ada, ben, cem, oli, world } = await team({ approvals: 2 });
    const digest = await proposed(ada, FIRST);
    await approve(ben, digest, world);
    await approve(ben, digest, world, { expires: addSeconds(world.now(), 7200) });
    expect((await ada.admin.reviewBundle(digest)).needs).toEqual([{ approvals: 2, by: ["ben"] }]);
    expect(await codeOf(activate(oli, digest, world))).toBe("policy/unapproved");
    await approve(cem, digest, world);
    expect(await codeOf(activate(oli, digest, world))).toBeUndefined();
  });

  it("is stopped by a rejection, until whoever rejected it approves", async () => {
    const { ada, ben, cem, oli, world } = await team();
    const digest = await proposed(ada, FIRST);
    await approve(ben, digest, world);
    expect(await approve(cem, digest, world, { decision: "reject" })).toMatchObject({
      isApproved: false,
      rejectedBy: ["cem"],
    });
    expect(await codeOf(activate(oli, digest, world))).toBe("policy/unapproved");
    await approve(cem, digest, world);
    expect(await codeOf(activate(oli, digest, world))).toBeUndefined();
  });
});

describe("an approval", () => {
  let at: Team & { readonly first: string };
  let digest: string;
  beforeAll(async () => {
    at = await withLive();
    digest = await proposed(at.ada, WIDER);
  });

  const deviations: readonly (readonly [string, (world: World) => Partial<ApprovalStatement>])[] = [
    ["of another bundle", () => ({ digest: "a".repeat(64) })],
    ["for another broker", () => ({ audience: "https://other.example" })],
    ["of an earlier turn", () => ({ serial: 1 })],
    ["of a later turn", () => ({ serial: 3 })],
    ["that has expired", (world) => ({ expires: world.now() })],
    ["that is to last a year", (world) => ({ expires: addSeconds(world.now(), 365 * 86_400) })],
    ["of who saw another verdict", () => ({ verdict: "b".repeat(64) })],
  ];
  it.each(deviations)("%s is refused", async (_name, other) => {
    expect(await codeOf(approve(at.ben, digest, at.world, other(at.world)))).toBe("policy/bad-approval");
  });

  it("of who was told that it narrows is refused", async () => {
    const verdict = verdictDigest({ digest, previous: at.first, finding: "narrows" }, sha);
    expect(await codeOf(approve(at.ben, digest, at.world, { verdict }))).toBe("policy/bad-approval");
  });

  it("by somebody who is no admin is refused, and so is one that was signed by two", async () => {
    const eve = at.people.stranger({ kid: "ben", roles: ["approver"] });
    const statement = await statementOf(at.ben, digest, at.world);
    const forged = await signApproval(statement, eve.signer);
    const both = await cosignDsse(await signApproval(statement, at.ben.signer), at.cem.signer);
    for (const one of [forged, both, "{}"]) {
      expect(await codeOf(at.ben.admin.approveBundle(digest, one))).toBe("policy/bad-approval");
    }
  });

  it("counts once, however often it is sent", async () => {
    const other = await withLive();
    const wider = await proposed(other.ada, WIDER);
    const statement = await signApproval(await statementOf(other.ben, wider, other.world), other.ben.signer);
    const codes = await Promise.all(
      [1, 2, 3].map(() => codeOf(other.ben.admin.approveBundle(wider, statement))),
    );
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes.filter((code) => code === "request/conflict")).toHaveLength(2);
    expect(await other.world.store.approvalsOf(wider)).toHaveLength(1);
  });

  it("that expires before the activation counts for nothing", async () => {
    const other = await withLive();
    const wider = await proposed(other.ada, WIDER);
    await approve(other.ben, wider, other.world, { expires: addSeconds(other.world.now(), 600) });
    other.people.broker.pass(601);
    expect(await codeOf(activate(other.oli, wider, other.world))).toBe("policy/unapproved");
    const order = { digest: wider, serial: 2, audience: AUDIENCE, at: other.world.now() - 601, roster: null };
    const early = await signActivation(order, other.oli.signer);
    expect(await codeOf(other.oli.admin.activateBundle(wider, early))).toBe("policy/bad-signature");
  });

  it("stays good for what it let become live, long after it expired", async () => {
    const other = await withLive();
    other.people.broker.pass(86_400);
    expect((await anew(other.world).liveBundle())?.digest).toBe(other.first);
  });

  it("for a bundle that somebody overtook counts for nothing", async () => {
    const { ada, ben, oli, world } = await withLive();
    const wider = await proposed(ada, WIDER);
    await approve(ben, wider, world);
    await activate(oli, await proposed(ada, NARROWER), world);
    expect(await codeOf(activate(oli, wider, world))).toBe("policy/not-next");
    expect(await codeOf(ben.admin.reviewBundle(wider))).toBe("policy/not-next");
  });
});

describe("a race", () => {
  it("of two approvers needs both where it takes two", async () => {
    const { ada, ben, cem, oli, world } = await withLive({ approvals: 2 });
    const wider = await proposed(ada, WIDER);
    await Promise.all([approve(ben, wider, world), approve(cem, wider, world)]);
    expect(await codeOf(activate(oli, wider, world))).toBeUndefined();
  });

  it("of two brokers over one database makes one activation", async () => {
    const { ada, ben, oli, world } = await withLive();
    const wider = await proposed(ada, WIDER);
    await approve(ben, wider, world);
    const codes = await Promise.all([1, 2].map(() => codeOf(activate(oli, wider, world))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
    expect(codes).toContain("policy/not-next");
  });

  it("with the removal of an approver is lost by the approval", async () => {
    const { ada, ben, oli, world } = await withLive();
    const wider = await proposed(ada, WIDER);
    await approve(ben, wider, world);
    const { live, roster = null } = await oli.admin.listBundles();
    const order = {
      digest: wider,
      serial: (live?.serial ?? 0) + 1,
      audience: AUDIENCE,
      at: world.now(),
      roster,
    };
    const prepared = await signActivation(order, oli.signer);
    await removed(ada, "ben", world);
    expect(await codeOf(oli.admin.activateBundle(wider, prepared))).toBe("policy/not-next");
    expect(await codeOf(activate(oli, wider, world))).toBe("policy/unapproved");
  });

  it("with a removal that comes between the look and the write is lost by the activation", async () => {
    const { ada, ben, oli, world } = await withLive();
    const wider = await proposed(ada, WIDER);
    await approve(ben, wider, world);
    const { activateBundle } = await import("../../src/broker/policies.ts");
    const order = { digest: wider, serial: 2, audience: AUDIENCE, at: world.now(), roster: null };
    const request = { digest: wider, signature: await signActivation(order, oli.signer) };
    const late: Store = {
      ...world.store,
      activateBundle: async (...row) => {
        await removed(ada, "ben", world);
        return world.store.activateBundle(...row);
      },
    };
    expect(await codeOf(activateBundle(request, { kid: "oli" }, { ...world, store: late }))).toBe(
      "policy/not-next",
    );
    expect((await world.store.liveActivation())?.serial).toBe(1);
  });

  it("with a rejection that comes between the look and the write is lost by the activation", async () => {
    const { ada, ben, cem, oli, world } = await withLive();
    const wider = await proposed(ada, WIDER);
    await approve(ben, wider, world);
    const { activateBundle } = await import("../../src/broker/policies.ts");
    const order = { digest: wider, serial: 2, audience: AUDIENCE, at: world.now(), roster: null };
    const request = { digest: wider, signature: await signActivation(order, oli.signer) };
    const late: Store = {
      ...world.store,
      activateBundle: async (...row) => {
        await approve(cem, wider, world, { decision: "reject" });
        return world.store.activateBundle(...row);
      },
    };
    expect(await codeOf(activateBundle(request, { kid: "oli" }, { ...world, store: late }))).toBe(
      "policy/not-next",
    );
  });
});

describe("what needs nobody", () => {
  it("is a change that narrows, or changes nothing", async () => {
    const { ada, oli, world } = await withLive();
    const narrower = await proposed(ada, NARROWER);
    expect(await ada.admin.reviewBundle(narrower)).toMatchObject({
      finding: "narrows",
      needs: [],
      isApproved: true,
    });
    await activate(oli, narrower, world);
    const same = await proposed(ada, `${NARROWER}# a remark\n`.replace("1.1.0", "1.1.1"));
    expect(await ada.admin.reviewBundle(same)).toMatchObject({ finding: "same", isApproved: true });
  });

  it("is a widening major version of a module that says so, and nobody may say so alone", async () => {
    const major = (version: string, requires: string) =>
      policyOf({ version, requires }).replace("owner", "widening major\n  owner");
    const { ada, ben, oli, world } = await withLive();
    const eased = await proposed(ada, major("1.0.1", "require not guest.debug"));
    expect(await ada.admin.reviewBundle(eased)).toMatchObject({ finding: "widens", isApproved: false });
    await approve(ben, eased, world);
    await activate(oli, eased, world);
    const wider = await proposed(ada, major("2.0.0", ""));
    expect(await ada.admin.reviewBundle(wider)).toMatchObject({
      finding: "widens",
      needs: [],
      isApproved: true,
    });
    const minor = await proposed(ada, major("1.1.0", ""));
    expect(await ada.admin.reviewBundle(minor)).toMatchObject({
      needs: [{ approvals: 1 }],
      isApproved: false,
    });
  });

  it("is anything, where one admin may change policy alone, who is told so", async () => {
    const { ada, oli, world } = await team({ approvals: 0 });
    const digest = await proposed(ada, FIRST);
    expect(await codeOf(activate(oli, digest, world))).toBeUndefined();
    expect((await ada.admin.listBundles()).warnings[0]).toContain("[governance] approvals = 0");
  });
});

describe("owner groups", () => {
  const groups = [
    { name: "database", paths: ["prod/db"], modules: [], refsets: ["acme.test/images"], approvals: 1 },
    { name: "web", paths: ["prod/web"], modules: [], refsets: [], approvals: 1 },
  ];
  const GUARDED = (path: string) => policyOf({ resource: path, version: "3.0.0" });

  it("answer for the paths that a change reaches, and for no other", async () => {
    const { ada, ben, cem, world } = await team({ groups });
    const digest = await proposed(ada, GUARDED("prod/db/**"));
    expect((await ada.admin.reviewBundle(digest)).needs).toEqual([
      { group: "database", approvals: 1, by: [] },
    ]);
    expect((await approve(cem, digest, world)).isApproved).toBe(false);
    expect((await approve(ben, digest, world)).isApproved).toBe(true);
  });

  it("all answer for a change of all, with the approvers for what nobody owns", async () => {
    const { ada } = await team({ groups });
    const digest = await proposed(ada, FIRST);
    expect((await ada.admin.reviewBundle(digest)).needs).toEqual([
      { group: "database", approvals: 1, by: [] },
      { group: "web", approvals: 1, by: [] },
      { approvals: 1, by: [] },
    ]);
  });

  it("alone answer for reference values of their own", async () => {
    const set = (entries: string) =>
      policyOf({
        requires: "require measurement in images",
        more: `refset images of measurement {\n${entries}}\n`,
      });
    const entry = (label: string, digit: string) => `  "${label}" = hex"${digit.repeat(96)}"\n`;
    const { ada, ben, cem, oli, world } = await team({ groups });
    const first = await proposed(ada, set(entry("one", "1")));
    for (const by of [ben, cem]) await approve(by, first, world);
    await activate(oli, first, world);
    const grown = await proposed(ada, set(entry("one", "1") + entry("two", "2")).replace("1.0.0", "1.1.0"));
    expect((await ada.admin.reviewBundle(grown)).needs).toEqual([
      { group: "database", approvals: 1, by: [] },
    ]);
    const more = set(entry("one", "1") + entry("two", "2")).replace('allow "boot"', 'allow "start"');
    expect((await ada.admin.reviewBundle(await proposed(ada, more))).needs).toHaveLength(3);
  });
});

describe("paths that a role reaches", () => {
  it("bound what its author may change", async () => {
    const { people, ada, ben, oli, world } = await withLive();
    const deb = people.add({ kid: "deb", roles: ["author"], under: ["prod/db"] });
    const more = (path: string) =>
      policyOf({
        more: `policy more {\n  for resource "${path}"\n  allow "x" when request.op == derive\n}\n`,
      });
    expect(await codeOf(proposed(deb, more("prod/web/**")))).toBe("admin/forbidden");
    const digest = await proposed(deb, more("prod/db/**"));
    await approve(ben, digest, world);
    expect(await codeOf(activate(oli, digest, world))).toBeUndefined();
    expect(ada.record.under).toEqual([]);
  });

  it("bound what an approver may approve", async () => {
    const { people, ada, world } = await withLive();
    const deb = people.add({ kid: "deb", roles: ["approver"], under: ["prod/db"] });
    const wider = await proposed(ada, WIDER);
    expect(await codeOf(approve(deb, wider, world))).toBe("policy/bad-approval");
  });
});

describe("the database of a broker", () => {
  it("is refused where it lacks the approvals that its live policy had, or has others", async () => {
    const { world } = await withLive();
    const rows = await world.store.approvalsOf((await world.store.liveActivation())?.digest ?? "");
    expect(rows).not.toEqual([]);
    for (const approvals of [[], rows.map((row) => ({ ...row, envelope: "{}" }))]) {
      expect(await codeOf(anew(world, { approvalsOf: async () => approvals }).liveBundle())).toBe(
        "policy/altered",
      );
    }
  });

  it("is refused where an operator with a key wrote an activation into it that nobody approved", async () => {
    const { ada, ben, oli, world, first } = await withLive();
    const tar = packBundle([{ path: "test.writ", text: WIDER }], first, sha);
    const digest = hexOf(sha("sha256", tar));
    const order = { digest, serial: 2, audience: AUDIENCE, at: world.now(), roster: null };
    const row = {
      serial: 2,
      digest,
      signature: await signActivation(order, oli.signer),
      at: world.now(),
      by: "oli",
    };
    const bundle = {
      digest,
      tar,
      signature: await signBundle(tar, ada.signer),
      proposedAt: world.now(),
      proposedBy: "ada",
    };
    const forged = {
      liveActivation: async () => row,
      bundle: async (name: string) => (name === digest ? bundle : world.store.bundle(name)),
    };
    expect(await codeOf(anew(world, forged).liveBundle())).toBe("policy/altered");
    const own = await signApproval(
      {
        decision: "approve",
        digest,
        serial: 2,
        audience: AUDIENCE,
        expires: world.now() + 60,
        verdict: verdictDigest({ digest, previous: first, finding: "widens" }, sha),
      },
      ada.signer,
    );
    const byAuthor = { id: "c".repeat(64), bundle: digest, envelope: own, at: world.now(), by: "ada" };
    expect(await codeOf(anew(world, { ...forged, approvalsOf: async () => [byAuthor] }).liveBundle())).toBe(
      "policy/altered",
    );
    expect(ben.record.kid).toBe("ben");
  });
});
