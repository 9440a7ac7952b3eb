/** Does one report serve a guest for as long as policy lets it, and is each renewal a decision of its own? */
import { describe, expect, it } from "vitest";
import { addSeconds } from "../../src/base/time.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { openReleases } from "../../src/client/verify-release.ts";
import { encodeEntry, parseEntry } from "../../src/ledger/entry.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { certTableOf } from "../../src/simulator/chip-folder.ts";
import { simulatedRoot } from "../support/simulated.ts";
import { attemptOf, type GuestBroker, makeLive, PATH, POLICY, post, releaseOf } from "./guest-at-hand.ts";
import {
  claimsIn,
  faultOf,
  OWN,
  RENEWING,
  renewBroker,
  renewGuest,
  SECRET,
  textIn,
} from "./renew-at-hand.ts";
import { codeOf, confirmAs, KEY } from "./transit-at-hand.ts";

const ANEW = "admin/unauthorized"; // what a 401 is read as
const [ONE, TWO] = [new Uint8Array(32).fill(0x71), new Uint8Array(32).fill(0x72)];

async function entryOf(broker: GuestBroker, id: string) {
  const entries = await ledgerEntries({ from: 0, limit: 300 }, broker.world);
  const entry = entries.find((one) => one.kind === "decision" && one.id === id);
  if (entry?.kind !== "decision") throw new Error(`expected a decision ${id}`);
  return entry;
}

describe("a guest with a token", () => {
  it("reads a secret again, and the next version after a rotation, by the report that it showed once", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    broker.pass(60);
    const [first] = (await guest.renew()).secrets;
    expect(first).toMatchObject({ secretId: PATH, version: 1 });
    await broker.admin.rotateSecret(PATH, {});
    const [second] = (await guest.renew()).secrets;
    expect(second).toMatchObject({ secretId: PATH, version: 2 });
    expect(second?.secret).not.toEqual(first?.secret);
  });

  it.each([1, 2] as const)("has it sealed in suite %i", async (suite) => {
    const guest = await renewGuest(await renewBroker());
    expect((await guest.renew([SECRET], { suite })).secrets[0]?.secret).toHaveLength(32);
  });

  it("leaves a decision of its own, which says that evidence was held and for how long", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    broker.pass(45);
    const { decision } = await guest.renew();
    const [before, entry] = [await entryOf(broker, guest.decision), await entryOf(broker, decision)];
    expect(before).toMatchObject({ v: 1 });
    expect(before).not.toHaveProperty("held");
    expect(entry).toMatchObject({
      v: 2,
      outcome: "allow",
      evidence_hash: before.evidence_hash,
      held: { decision: guest.decision, age: 45 },
      crl: { ...before.crl, age: before.crl.age + 45 },
      items: [{ resource: PATH, op: "release", version: 1, outcome: "allow" }],
    });
    const told = await broker.admin.decision(decision);
    expect(JSON.stringify(told)).toContain('"evidence.age":"45000ms"');
    expect(JSON.stringify(told)).toContain(`"token":"${guest.decision}"`);
    expect(parseEntry(encodeEntry(entry))).toEqual(entry);
  });

  it("gets the same derived key as by its report, since its facts are the same", async () => {
    const policy = RENEWING.replace("request.op == release", "request.op in [release, derive]");
    const broker = await renewBroker({ policy });
    const derived = "prod/derived/key";
    await broker.admin.putSecret(derived, { kind: "derived", size: 48, by: ["host_data"] });
    const guestOn = (hostData: Uint8Array) => renewGuest(broker, { report: { hostData } });
    const [one, other] = [await guestOn(TWO), await guestOn(ONE)];
    const read = async ({ renew }: typeof one) => (await renew([{ secret: derived }])).secrets[0]?.secret;
    const [first, again, others] = [await read(one), await read(one), await read(other)];
    expect(first).toHaveLength(48);
    expect(again).toEqual(first);
    expect(others).not.toEqual(first);
  });

  it("renews that token: the same key, nonce and evidence, another decision and end", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    broker.pass(80);
    const [old, fresh] = [claimsIn(guest.token), claimsIn(await guest.next())];
    expect(fresh.jti).not.toBe(old.jti);
    expect(fresh.exp).toBe(old.exp + 80);
    expect([fresh.cnf, fresh.eat_nonce, fresh.ostiary.evidence]).toEqual([
      old.cnf,
      old.eat_nonce,
      { ...old.ostiary.evidence, decision: guest.decision, at: broker.world.now() - 80 },
    ]);
  });

  it("goes on by the renewed token when the first one has ended: keys, secrets and the next renewal", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    broker.pass(100);
    const second = await guest.next();
    broker.pass(100); // the first token lived for 120 s
    expect(await codeOf(guest.renew())).toBe(ANEW);
    expect(textIn(await guest.renew([OWN], { token: second }))).toMatch(/^ey/);
    expect((await guest.renew([SECRET], { token: second })).secrets).toHaveLength(1);
    const used = { secret: PATH, version: 1, also: [] };
    expect(await confirmAs(broker, { ...guest, token: second }, used)).toEqual([]);
  });

  it("gets a token for another audience, bound to its key, by the evidence that it showed", async () => {
    const aud = "https://payments.example";
    const policy = RENEWING.replace('"attest"', '"attest", "token/payments"');
    const broker = await renewBroker({ policy });
    await broker.admin.addAudience("payments", { aud, isBearer: false });
    const guest = await renewGuest(broker);
    broker.pass(10);
    const claims = claimsIn(textIn(await guest.renew([{ token: { aud } }])));
    expect(claims).toMatchObject({ aud, cnf: { jkt: claimsIn(guest.token).cnf.jkt } });
    expect(claims.ostiary.evidence).toEqual(claimsIn(guest.token).ostiary.evidence);
    expect(await codeOf(guest.renew([{ token: { aud: "https://other.example" } }]))).toBe("policy/denied");
  });
});

describe("the age of evidence", () => {
  it("counts from the report, however often a token is renewed, and ends where the broker says", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    let token = guest.token;
    for (let age = 100; age < 3600; age += 100) {
      broker.pass(100);
      token = await guest.next(token); // one after the other
    }
    expect(claimsIn(token).exp).toBe(claimsIn(guest.token).ostiary.evidence.at + 3600); // not its 120 s
    broker.pass(99);
    expect(await codeOf(guest.renew([SECRET], { token }))).toBe("done");
    broker.pass(1);
    expect(await codeOf(guest.renew([SECRET], { token }))).toBe(ANEW);
  });

  it("is refused as too old by the broker's setting, and at once where that is made 0", async () => {
    let maxEvidenceSeconds = 60;
    const broker = await renewBroker({
      change: ({ settings }) => ({
        settings: Object.defineProperty({ ...settings }, "maxEvidenceSeconds", {
          get: () => maxEvidenceSeconds,
        }),
      }),
    });
    const guest = await renewGuest(broker);
    broker.pass(59);
    expect(await codeOf(guest.renew())).toBe("done");
    broker.pass(1);
    expect([await codeOf(guest.renew()), faultOf(broker)]).toEqual([ANEW, "token/wants-evidence"]);
    maxEvidenceSeconds = 0;
    const other = await renewGuest(broker);
    expect([await codeOf(other.renew()), faultOf(broker)]).toEqual([ANEW, "token/wants-evidence"]);
  });

  it("is bounded by `reattest` of the policy, over every renewal together", async () => {
    const broker = await renewBroker({
      policy: RENEWING.replace("token_ttl 2m", "token_ttl 2m reattest every 5m"),
    });
    const guest = await renewGuest(broker);
    broker.pass(100);
    const second = await guest.next();
    broker.pass(100);
    const third = await guest.next(second);
    expect(claimsIn(third).exp).toBe(claimsIn(guest.token).ostiary.evidence.at + 300);
    const [read] = (await guest.renew([SECRET], { token: third })).secrets;
    expect(read).toMatchObject({ reattestSeconds: 100 }); // what is left of the five minutes
    broker.pass(99);
    expect(await codeOf(guest.renew([SECRET], { token: third }))).toBe("done");
  });

  it("refused by `reattest` is a call for new evidence, and a decision that says so", async () => {
    const policy = RENEWING.replace("policy disks", "policy own").replace('"prod/**", ', "");
    const disks = POLICY.slice(POLICY.indexOf("policy disks"))
      .replace(', "attest"', "")
      .replace(/on release .*/, "on release { reattest every 30s }");
    const broker = await renewBroker({ policy: `${policy}${disks}` });
    const guest = await renewGuest(broker);
    broker.pass(30);
    expect(await codeOf(guest.renew())).toBe("done");
    broker.pass(1);
    expect([await codeOf(guest.renew()), faultOf(broker)]).toEqual([ANEW, "token/wants-evidence"]);
    const last = (await ledgerEntries({ from: 0, limit: 300 }, broker.world)).at(-1);
    expect(last).toMatchObject({ outcome: "deny", code: "denied", held: { age: 31 } });
    expect(await codeOf(guest.next().then(async () => undefined))).toBe("done"); // its token has no such bound
  });

  it("is a field that policy may forbid renewal by, where a release is allowed", async () => {
    const policy = RENEWING.replace(
      "require not guest.debug",
      'require evidence.age == 0s else "show evidence"\n  require not guest.debug',
    );
    const broker = await renewBroker({ policy });
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew())).toBe("policy/denied"); // in the very second of the report
    expect((await post(broker, "/v1/release", (await attemptOf(broker)).body)).status).toBe(200);
  });

  it("ends with the CRL that spoke for it", async () => {
    const broker = await renewBroker();
    const { chip, world } = broker;
    const root = simulatedRoot(chip.product);
    const now = world.now();
    const crl = root.crl({ thisUpdate: now, nextUpdate: addSeconds(now, 90) });
    const guest = await renewGuest(broker, { certTable: certTableOf(root, chip, now, { crl }) });
    broker.pass(60);
    expect(claimsIn(await guest.next()).exp).toBe(now + 90);
    broker.pass(30);
    expect([await codeOf(guest.renew()), faultOf(broker)]).toEqual([ANEW, "token/wants-evidence"]);
  });
});

describe("what a policy demands of a release", () => {
  it("is demanded of a renewal: counters are used up by both together", async () => {
    const broker = await renewBroker({ policy: POLICY });
    const guest = await renewGuest(broker); // one of three
    expect(await codeOf(guest.renew())).toBe("done");
    expect((await post(broker, "/v1/release", (await attemptOf(broker)).body)).status).toBe(200);
    expect([await codeOf(guest.renew()), faultOf(broker)]).toEqual(["policy/denied", "obligation/exhausted"]);
  });

  it("has one winner where renewals race for the last use", async () => {
    const broker = await renewBroker({ policy: POLICY });
    const guest = await renewGuest(broker);
    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(guest.renew())));
    expect(codes.sort()).toEqual(["done", "done", "policy/denied", "policy/denied"]);
  });

  it("takes and renews a lease, under the fence of the first, and none that another guest holds", async () => {
    const broker = await renewBroker();
    await broker.admin.changeSecret(PATH, { leaseSeconds: 600 });
    const guest = await renewGuest(broker, { report: { reportId: ONE } });
    const [first] = (await guest.renew()).secrets;
    broker.pass(100);
    const [again] = (await guest.renew()).secrets;
    expect(again?.lease).toEqual({ fence: first?.lease?.fence, until: broker.world.now() + 600 });
    const other = await renewGuest(broker, { report: { reportId: TWO } });
    expect(await codeOf(other.renew())).toBe("policy/denied");
  });

  it("is all or nothing over what is wanted", async () => {
    const broker = await renewBroker();
    await broker.admin.putSecret("lab/other", { kind: "generated", make: { name: "bytes", size: 32 } });
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew([SECRET, { secret: "lab/other" }]))).toBe("policy/denied");
    expect((await guest.renew([SECRET, OWN])).secrets.map(({ secretId }) => secretId)).toEqual([
      PATH,
      "attest",
    ]);
    expect(await codeOf(guest.renew([{ secret: "prod/none" }]))).toBe("secret/absent");
  });

  it("counts at once when it changes", async () => {
    const broker = await renewBroker();
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew())).toBe("done");
    await makeLive(
      broker,
      RENEWING.replace(/measurement == hex"02/, 'measurement == hex"03').replace("1.0.0", "2.0.0"),
      2,
    );
    expect(await codeOf(guest.renew())).toBe("policy/denied");
    expect(await codeOf(guest.renew([OWN]))).toBe("policy/denied");
  });

  it("keeps a transit key where it is", async () => {
    const broker = await renewBroker({ policy: RENEWING });
    await broker.admin.putSecret(KEY, { kind: "transit", type: "aes-256-gcm" });
    const guest = await renewGuest(broker);
    expect(await codeOf(guest.renew([{ secret: KEY }]))).toBe("policy/denied");
  });
});

describe("a release", () => {
  it("says what is left until new evidence as before: all of it", async () => {
    const broker = await renewBroker({ policy: RENEWING.replace("token_ttl 2m", "reattest every 5m") });
    const { body, transcript, wrapPrivate, claims } = await attemptOf(broker);
    const answer = await releaseOf(await post(broker, "/v1/release", body));
    const { signer, now } = broker.world;
    const context = {
      transcript,
      wrapPrivate,
      wanted: claims.want,
      isPartial: false,
      primitives: nodePrimitives,
    };
    const [first] = await openReleases(answer, { ...context, signingKey: signer.spki, now: now() });
    expect(first).toMatchObject({ reattestSeconds: 300 });
  });
});
