/** May the holder of a security key ask? By an assertion over exactly this request, once; by no other kind of signature. */
import { sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { base64UrlOf, utf8 } from "../../src/base/bytes.ts";
import type { World } from "../../src/broker/world.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { bodyHashOf } from "../../src/wire/admin-token.ts";
import { type Deviation, encoded, securityKey, UP, UV } from "../support/security-key.ts";
import { AUDIENCE, random } from "./broker-at-hand.ts";
import { peopleAtHand } from "./people-at-hand.ts";

const PATH = "/v1/admin/policies";

function team(change: (world: World) => Partial<World> = () => ({})) {
  const people = peopleAtHand({}, change);
  const keys = { ada: securityKey(), eve: securityKey("EdDSA"), fay: securityKey("EdDSA") };
  people.add({ kid: "ada", roles: ["auditor"], key: keys.ada });
  people.add({ kid: "eve", roles: ["auditor"], key: keys.eve });
  people.add({ kid: "fay", roles: ["auditor"], spki: keys.fay.spki });
  const { broker } = people;
  const claimsNow = () => {
    const iat = broker.world.now();
    const bh = bodyHashOf(utf8(""), nodePrimitives.digest);
    const jti = base64UrlOf(random(16));
    return { aud: AUDIENCE, htm: "GET", htu: `${AUDIENCE}${PATH}`, bh, iat, exp: iat + 60, jti };
  };
  const get = async (token: string, path = PATH) =>
    (await broker.app.request(path, { headers: { authorization: `Bearer ${token}` } })).status;
  return { people, broker, keys, claimsNow, get };
}

const part = (value: unknown) => base64UrlOf(utf8(JSON.stringify(value)));
const HEADER = { alg: "WebAuthn", typ: "ostiary-admin+jwt", kid: "ada" };

function tokenOf(header: object, claims: object, signed: (input: Uint8Array) => Uint8Array): string {
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${base64UrlOf(signed(utf8(input)))}`;
}

describe("a request that a security key signed", () => {
  it("is answered, once", async () => {
    const { keys, claimsNow, get } = team();
    const token = tokenOf(HEADER, claimsNow(), (input) => encoded(keys.ada.assert(input)));
    expect(await get(token)).toBe(200);
    expect(await get(token)).toBe(401);
    const eve = tokenOf({ ...HEADER, kid: "eve" }, claimsNow(), (input) => encoded(keys.eve.assert(input)));
    expect(await get(eve)).toBe(200);
  });

  it.each<readonly [string, object]>([
    ["another method", { htm: "PUT" }],
    ["another path", { htu: `${AUDIENCE}/v1/admin/admins` }],
    ["another broker", { aud: "https://other.example" }],
    ["another body", { bh: bodyHashOf(utf8("x"), nodePrimitives.digest) }],
    ["a year", { exp: 4_000_000_000 }],
  ])("is refused for %s", async (_name, claims) => {
    const { keys, claimsNow, get } = team();
    const token = tokenOf(HEADER, { ...claimsNow(), ...claims }, (input) => encoded(keys.ada.assert(input)));
    expect(await get(token)).toBe(401);
  });

  it.each<readonly [string, Deviation]>([
    ["another page", { clientData: (good) => ({ ...good, origin: "https://evil.broker.example" }) }],
    ["another domain", { rpId: "evil.example" }],
    ["no touch", { flags: UV }],
    ["no person", { flags: UP }],
    ["a frame", { clientData: (good) => ({ ...good, crossOrigin: true }) }],
  ])("is refused with %s", async (_name, deviation) => {
    const { keys, claimsNow, get } = team();
    const token = tokenOf(HEADER, claimsNow(), (input) => encoded(keys.ada.assert(input, deviation)));
    expect(await get(token)).toBe(401);
  });

  it("is refused with the assertion of another one, and of somebody else", async () => {
    const { keys, claimsNow, get } = team();
    const other = keys.ada.assert(utf8(`${part(HEADER)}.${part(claimsNow())}`));
    expect(await get(tokenOf(HEADER, claimsNow(), () => encoded(other)))).toBe(401);
    const eve = (input: Uint8Array) => encoded(keys.eve.assert(input));
    expect(await get(tokenOf(HEADER, claimsNow(), eve))).toBe(401);
    const stranger = (input: Uint8Array) => encoded(securityKey().assert(input));
    expect(await get(tokenOf(HEADER, claimsNow(), stranger))).toBe(401);
  });

  it("is refused where the key of a file would have signed, and the other way round", async () => {
    const { keys, claimsNow, get } = team();
    const bare = (input: Uint8Array) => Uint8Array.from(sign(null, input, keys.eve.privateKey));
    expect(await get(tokenOf({ ...HEADER, alg: "EdDSA", kid: "eve" }, claimsNow(), bare))).toBe(401);
    expect(await get(tokenOf({ ...HEADER, kid: "eve" }, claimsNow(), bare))).toBe(401);
    const asserted = (input: Uint8Array) => encoded(keys.fay.assert(input));
    expect(await get(tokenOf({ ...HEADER, kid: "fay" }, claimsNow(), asserted))).toBe(401);
    expect(await get(tokenOf({ ...HEADER, alg: "EdDSA", kid: "fay" }, claimsNow(), asserted))).toBe(401);
    const ada = (input: Uint8Array) => encoded(keys.ada.assert(input));
    expect(await get(tokenOf({ ...HEADER, alg: "EdDSA" }, claimsNow(), ada))).toBe(401);
    expect(await get(tokenOf({ ...HEADER, alg: "none" }, claimsNow(), () => new Uint8Array(0)))).toBe(401);
    const more = tokenOf(HEADER, claimsNow(), (input) => encoded(keys.ada.assert(input)));
    expect(await get(`${more}.AAAA`)).toBe(401);
  });
});

describe("the counter of a security key", () => {
  async function asked(counts: readonly number[], keys: readonly ("ada" | "eve")[] = ["ada"]) {
    const at = team();
    const statuses: number[] = [];
    for (const [turn, signCount] of counts.entries()) {
      const kid = keys[turn % keys.length] ?? "ada";
      const signed = (input: Uint8Array) => encoded(at.keys[kid].assert(input, { signCount }));
      statuses.push(await at.get(tokenOf({ ...HEADER, kid }, at.claimsNow(), signed))); // in order: it counts
    }
    return statuses;
  }

  it("goes up, by however much", async () => {
    expect(await asked([1, 2, 100, 4_294_967_295])).toEqual([200, 200, 200, 200]);
  });

  it("is refused when it goes back or stands still: somebody may have a copy of the key", async () => {
    expect(await asked([5, 5, 4, 0, 6])).toEqual([200, 401, 401, 401, 200]);
  });

  it("may be one that a key does not have", async () => {
    expect(await asked([0, 0, 0])).toEqual([200, 200, 200]);
  });

  it("is each key's own", async () => {
    expect(await asked([5, 1, 6, 2], ["ada", "eve"])).toEqual([200, 200, 200, 200]);
  });

  it("counts once where two requests race with one number", async () => {
    let arrived = 0;
    let go: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      go = resolve;
    });
    /** Nobody goes on before everybody has read the counter as it was. */
    const meta = (store: World["store"]) => async (name: string) => {
      const value = await store.meta(name);
      if (!name.startsWith("sign-count:")) return value;
      arrived += 1;
      if (arrived === 4) go();
      await all;
      return value;
    };
    const { keys, claimsNow, get } = team(({ store }) => ({ store: { ...store, meta: meta(store) } }));
    const signed = (input: Uint8Array) => encoded(keys.ada.assert(input, { signCount: 7 }));
    const tokens = [1, 2, 3, 4].map(() => tokenOf(HEADER, claimsNow(), signed));
    const statuses = await Promise.all(tokens.map((token) => get(token)));
    expect(statuses.sort()).toEqual([200, 401, 401, 401]);
  });
});
