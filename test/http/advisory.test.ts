/** Who may tell a broker what AMD's bulletins ask, and does it go back behind what it was told? */
import { describe, expect, it } from "vitest";
import { liveAdvisory } from "../../src/broker/advisories.ts";
import type { StoredAdvisory } from "../../src/broker/advisory-store.ts";
import { advanceCheckpoint } from "../../src/broker/checkpoints.ts";
import type { World } from "../../src/broker/world.ts";
import type { Advisory } from "../../src/policy/advisory.ts";
import { signAdvisory } from "../../src/policy/advisory.ts";
import { signRosterChange } from "../../src/policy/roster.ts";
import { cosignDsse } from "../../src/policy/signatures.ts";
import { advisory, bulletin, figure } from "../policy/advisory-at-hand.ts";
import { codeOfPromise } from "../support/faults.ts";
import { AUDIENCE } from "./broker-at-hand.ts";
import { type PersonAtHand, peopleAtHand } from "./people-at-hand.ts";

interface Rows {
  newest?: StoredAdvisory | undefined;
  isGone?: boolean;
}

/** A broker whose database a test can edit behind its back. */
function brokerWithOperators(advisorySigners = 1) {
  const rows: Rows = {};
  const people = peopleAtHand({ advisorySigners }, ({ store }) => ({
    store: {
      ...store,
      newestAdvisory: async () =>
        rows.isGone === true ? undefined : (rows.newest ?? store.newestAdvisory()),
      advisory: async (digest) => (rows.isGone === true ? undefined : store.advisory(digest)),
    },
  }));
  const ada = people.add({ kid: "ada", roles: ["operator"], owns: ["root"] });
  const ben = people.add({ kid: "ben", roles: ["operator", "auditor"] });
  return { ...people, ada, ben, rows, world: people.broker.world };
}

const give = async ({ admin, signer }: PersonAtHand, edition: Advisory) =>
  admin.importAdvisory(await signAdvisory(edition, signer));
const codeOfGiving = (person: PersonAtHand, edition: Advisory) => codeOfPromise(give(person, edition));
const second = (changes: Partial<Advisory> = {}) => advisory({ serial: 2, ...changes });

async function removed(kid: string, by: PersonAtHand, world: World): Promise<void> {
  const { serial, head, live } = await by.admin.listAdmins();
  const change = { act: "remove", kid } as const;
  const statement = { serial: serial + 1, previous: head, audience: AUDIENCE, live, at: world.now(), change };
  await by.admin.changeRoster(await signRosterChange(statement, by.signer));
}

describe("an edition of the advisory", () => {
  it("is taken from an operator, told again with who signed it, and an entry of the log", async () => {
    const { ada, ben, world } = brokerWithOperators();
    expect(await codeOfPromise(ada.admin.advisory())).toBe("advisory/unknown");
    const given = await give(ada, advisory());
    expect(given).toMatchObject({ signedBy: ["ada"], importedBy: "ada", advisory: advisory() });
    expect(await ben.admin.advisory()).toEqual(given);
    const entries = await world.store.entries(0, 10);
    expect(entries.at(-1)?.draft).toMatchObject({ act: "advisory-import", digest: given.digest });
  });

  it("is not taken unsigned, nor signed by whom nobody knows, nor brought by another role", async () => {
    const { ada, add, stranger } = brokerWithOperators();
    const eve = stranger({ kid: "eve", roles: ["operator"] });
    expect(await codeOfPromise(ada.admin.importAdvisory(JSON.stringify(advisory())))).toBe(
      "advisory/bad-signature",
    );
    const foreign = await signAdvisory(advisory(), eve.signer);
    expect(await codeOfPromise(ada.admin.importAdvisory(foreign))).toBe("advisory/bad-signature");
    const kim = add({ kid: "kim", roles: ["author", "approver", "auditor", "break-glass"] });
    expect(await codeOfGiving(kim, advisory())).toBe("admin/forbidden");
    const lee = add({ kid: "lee", roles: ["operator"], under: ["prod/db"] });
    expect(await codeOfGiving(lee, advisory())).toBe("admin/forbidden");
  });

  it("is not taken of a day that has not begun", async () => {
    const { ada, world, broker } = brokerWithOperators();
    const tomorrow = new Date((world.now() + 86_400) * 1000).toISOString().slice(0, 10);
    expect(await codeOfGiving(ada, advisory({ issued: tomorrow }))).toBe("advisory/early");
    broker.pass(86_400);
    expect(await codeOfGiving(ada, advisory({ issued: tomorrow }))).toBeUndefined();
  });

  it("is not taken after a newer one, nor with the serial of another, nor of an earlier day", async () => {
    const { ada } = brokerWithOperators();
    await give(ada, second({ issued: "2026-11-02" }));
    expect(await codeOfGiving(ada, advisory())).toBe("advisory/older");
    expect(await codeOfGiving(ada, second({ issued: "2026-11-03" }))).toBe("advisory/older");
    expect(await codeOfGiving(ada, advisory({ serial: 3, issued: "2026-11-01" }))).toBe("advisory/older");
    expect((await ada.admin.advisory()).advisory.serial).toBe(2);
  });

  it("lowers no figure and drops no bulletin of the one before, unless it says why", async () => {
    const { ada } = brokerWithOperators();
    await give(ada, advisory());
    const lower = bulletin({ floors: [figure("milan", "snp", 23), ...bulletin().floors.slice(1)] });
    expect(await codeOfGiving(ada, second({ bulletins: [lower] }))).toBe("advisory/lowers");
    expect(await codeOfGiving(ada, second({ bulletins: [bulletin({ id: "AMD-SB-3020" })] }))).toBe(
      "advisory/lowers",
    );
    const withdrawn = [{ bulletin: "AMD-SB-3019", line: "milan", component: "snp", why: "AMD took it back" }];
    expect(await codeOfGiving(ada, second({ bulletins: [lower], withdrawn }))).toBeUndefined();
  });

  it("takes the signatures of as many people as the configuration says", async () => {
    const { ada, ben } = brokerWithOperators(2);
    expect(await codeOfGiving(ada, advisory())).toBe("advisory/bad-signature");
    const both = await cosignDsse(await signAdvisory(advisory(), ada.signer), ben.signer);
    expect((await ada.admin.importAdvisory(both)).signedBy).toEqual(["ada", "ben"]);
  });

  it("counts for nothing once its signer was removed, until an operator of now signs the same again", async () => {
    const { ada, ben, world } = brokerWithOperators();
    await give(ben, advisory());
    await removed("ben", ada, world);
    expect(await codeOfPromise(ada.admin.advisory())).toBe("advisory/altered");
    expect(await codeOfPromise(ada.admin.importAdvisory(await signAdvisory(advisory(), ben.signer)))).toBe(
      "advisory/bad-signature",
    );
    expect(await codeOfGiving(ada, advisory())).toBeUndefined();
    expect((await ada.admin.advisory()).signedBy).toEqual(["ada"]);
  });

  it("of two that race for one serial is one", async () => {
    const { ada, ben } = brokerWithOperators();
    const other = advisory({ bulletins: [bulletin({ title: "another" })] });
    const codes = await Promise.all([codeOfGiving(ada, advisory()), codeOfGiving(ben, other)]);
    expect(codes.filter((code) => code === undefined)).toHaveLength(1);
  });

  it("that is too large is refused unread", async () => {
    const { ada } = brokerWithOperators();
    expect(await codeOfPromise(ada.admin.importAdvisory("x".repeat(300_000)))).toMatch(/^request\//);
  });
});

describe("whoever writes to the database", () => {
  async function told() {
    const at = brokerWithOperators();
    await give(at.ada, advisory());
    const first = await at.world.store.newestAdvisory();
    await give(at.ada, second());
    const newest = await at.world.store.newestAdvisory();
    if (first === undefined || newest === undefined) throw new Error("two editions");
    await advanceCheckpoint(at.world);
    return { ...at, first, newest, codeOfReading: () => codeOfPromise(liveAdvisory(at.world)) };
  }

  it("cannot take the newest edition away, nor all of them, nor put the one before in its place", async () => {
    const { rows, first, codeOfReading } = await told();
    expect(await codeOfReading()).toBeUndefined();
    rows.newest = first;
    expect(await codeOfReading()).toBe("advisory/altered");
    rows.isGone = true;
    expect(await codeOfReading()).toBe("advisory/altered");
  });

  it("cannot give the one before another serial or digest, nor write one of their own", async () => {
    const { rows, first, newest, codeOfReading, stranger } = await told();
    const eve = stranger({ kid: "ada", roles: ["operator"] });
    const forged = await signAdvisory(second({ serial: 3 }), eve.signer);
    for (const row of [
      { ...first, serial: 3 },
      { ...first, serial: 2, digest: newest.digest },
      { ...newest, envelope: first.envelope },
      { ...newest, envelope: forged, serial: 3 },
      { ...newest, envelope: "" },
    ]) {
      rows.newest = row;
      expect(await codeOfReading()).toBe("advisory/altered"); // in order
    }
  });

  it("cannot pass an older edition for a newer one before a head of the log names either", async () => {
    const { ada, rows, world } = brokerWithOperators();
    await give(ada, advisory());
    const first = await world.store.newestAdvisory();
    if (first === undefined) throw new Error("an edition");
    for (const other of [{ serial: 3 }, { digest: "f".repeat(64) }]) {
      rows.newest = { ...first, ...other };
      expect(await codeOfPromise(liveAdvisory(world))).toBe("advisory/altered"); // in order
    }
  });

  it("opens no way for an older edition by taking the newest one away", async () => {
    const { rows, ada, codeOfReading } = await told();
    rows.isGone = true;
    expect(await codeOfGiving(ada, advisory())).toBe("advisory/altered");
    expect(await codeOfGiving(ada, advisory({ serial: 9 }))).toBe("advisory/altered");
    rows.isGone = false;
    expect(await codeOfGiving(ada, second())).toBeUndefined();
    expect(await codeOfReading()).toBeUndefined();
  });

  it("finds an edition that came after the last signed head to count at once", async () => {
    const { ada, world } = await told();
    await give(ada, advisory({ serial: 3 }));
    expect((await liveAdvisory(world))?.advisory.serial).toBe(3);
  });
});
