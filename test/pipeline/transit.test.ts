/** Does a key that never leaves do its work for the guest that may use it? From a token to the opened answer. */
import { constants, createPublicKey, verify as opensslVerify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hexOf, isZero, parseUtf8, utf8 } from "../../src/base/bytes.ts";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { keepSecretTimes } from "../../src/broker/secret-life.ts";
import { TRANSIT_TYPES, type TransitType } from "../../src/keys/transit-type.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import type { TransitItem } from "../../src/wire/transit.ts";
import type { GuestBroker } from "./guest-at-hand.ts";
import {
  codeOf,
  confirmAs,
  encryptItem,
  KEY,
  madeIn,
  openItem,
  textIn,
  transitBroker,
  transitGuest,
  USING,
} from "./transit-at-hand.ts";

const ROW = utf8("row 7");

async function entriesOf({ world }: GuestBroker) {
  return ledgerEntries({ from: 0, limit: 100 }, world);
}

describe("a guest with a token", () => {
  it("encrypts and decrypts by a key that it never sees, in each suite", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    for (const suite of [1, 2] as const) {
      const made = await guest.use([encryptItem("4111 1111", ROW)], { suite });
      expect(textIn(made)).toMatch(/^ostiary:v1:[\w-]+$/);
      const opened = await guest.use([openItem("decrypt", madeIn(made), ROW)], { suite });
      expect(textIn(opened)).toBe("4111 1111");
    }
  });

  it("does up to sixteen things at once, each a line of one decision", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const words = Array.from({ length: 16 }, (_, i) => `word ${i}`);
    const { results, decision } = await guest.use(words.map((word) => encryptItem(word)));
    expect(new Set(results.map((bytes) => parseUtf8(bytes))).size).toBe(16);
    const made = results.map((bytes) => madeIn({ decision, results: [bytes] }));
    const opened = await guest.use(made.map((text) => openItem("decrypt", text)));
    expect(opened.results.map((bytes) => parseUtf8(bytes))).toEqual(words);
    const entry = (await entriesOf(broker)).find((one) => one.kind === "decision" && one.id === decision);
    expect(entry).toMatchObject({ outcome: "allow", items: expect.objectContaining({ length: 16 }) });
  });

  it("makes the same text twice from one plaintext never", async () => {
    const guest = await transitGuest(await transitBroker("aes-256-gcm"));
    const [first, second] = [await guest.use([encryptItem("a")]), await guest.use([encryptItem("a")])];
    expect(textIn(first)).not.toBe(textIn(second));
  });

  it("gets a data key with its wrapped form, or the wrapped form alone", async () => {
    const guest = await transitGuest(await transitBroker("aes-256-gcm"));
    const item = { operation: "datakey", size: 48, context: ROW, isWrappedOnly: false } as const;
    const { results, decision } = await guest.use([item, { ...item, isWrappedOnly: true }]);
    const [key, wrapped, nothing, other] = results;
    expect(key).toHaveLength(48);
    expect(nothing).toHaveLength(0);
    const open = async (text: Uint8Array | undefined) =>
      (
        await guest.use([
          openItem("decrypt", madeIn({ decision, results: text === undefined ? [] : [text] }), ROW),
        ])
      ).results[0];
    expect(await open(wrapped)).toEqual(key);
    expect(await open(other)).toHaveLength(48);
  });
});

describe("a key that was used", () => {
  it("is overwritten wherever the broker had it, and so is what it decrypted", async () => {
    let key = new Uint8Array(0);
    const held: Uint8Array[] = [];
    const broker = await transitBroker("aes-256-gcm", {
      change: ({ kek, primitives }) => ({
        kek: {
          ...kek,
          unwrap: async (wrapped, aad) => {
            const opened = await kek.unwrap(wrapped, aad);
            if (opened.length !== 4 + 32 + 4) return opened;
            key = opened.slice(4, 36);
            held.push(opened);
            return opened;
          },
        },
        primitives: {
          ...primitives,
          hmac: (hash, salt, bytes) => {
            if (key.length > 0 && hexOf(bytes) === hexOf(key)) held.push(bytes);
            return primitives.hmac(hash, salt, bytes);
          },
          aeadOpen: async (...sealed) => {
            const opened = await primitives.aeadOpen(...sealed);
            if (opened !== undefined) held.push(opened);
            return opened;
          },
        },
      }),
    });
    const guest = await transitGuest(broker);
    const made = madeIn(await guest.use([encryptItem("4111 1111")]));
    expect(textIn(await guest.use([openItem("decrypt", made)]))).toBe("4111 1111");
    expect(held.length).toBeGreaterThanOrEqual(5); // twice from the envelope, twice under HKDF, one plaintext
    for (const bytes of held) expect(isZero(bytes)).toBe(true);
  });
});

describe("signatures of a transit key", () => {
  const SIGNING = TRANSIT_TYPES.filter((type) => !type.startsWith("aes") && !type.startsWith("hmac"));

  it.each(SIGNING)("by %s are good to OpenSSL, by the public half that admins are shown", async (type) => {
    const broker = await transitBroker(type);
    const guest = await transitGuest(broker);
    const message = utf8("pay 5 to 7");
    const [shown] = await broker.admin.showSecret(KEY);
    const key = createPublicKey({
      key: Buffer.from(shown?.publicKey ?? new Uint8Array(0)),
      format: "der",
      type: "spki",
    });
    for (const padding of ["pss", "pkcs1"] as const) {
      const made = madeIn(await guest.use([{ operation: "sign", message, padding }]));
      expect(opensslVerify(hashOf(type), message, { key, ...formOf(type, padding) }, made.bytes)).toBe(true);
      const verify: TransitItem = { operation: "verify", message, made, padding };
      const other: TransitItem = { ...verify, message: utf8("pay 6 to 7") };
      const answers = (await guest.use([verify, other])).results.map((bytes) => hexOf(bytes));
      expect(answers).toEqual(["01", "00"]);
    }
  });

  function hashOf(type: TransitType): string | null {
    if (type === "ed25519") return null;
    return type === "ecdsa-p384" ? "sha384" : "sha256";
  }

  function formOf(type: TransitType, padding: "pss" | "pkcs1") {
    if (type.startsWith("ecdsa")) return { dsaEncoding: "ieee-p1363" } as const;
    if (!type.startsWith("rsa")) return {};
    return padding === "pss"
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      : { padding: constants.RSA_PKCS1_PADDING };
  }

  it("are verified by the key in the envelope, whatever a row of the database says", async () => {
    let lie: Uint8Array | undefined;
    const broker = await transitBroker("ed25519", {
      change: (base) => ({
        store: {
          ...base.store,
          secretVersion: async (path, version) => {
            const row = await base.store.secretVersion(path, version);
            return row && lie ? { ...row, publicKey: lie } : row;
          },
        },
      }),
    });
    const guest = await transitGuest(broker);
    const message = utf8("pay 5 to 7");
    const forger = await nodePrimitives.generateKeyPair("ed25519");
    const forged = (await nodePrimitives.sign("ed25519", forger.pkcs8, message)) ?? message;
    lie = forger.spki;
    const verify = {
      operation: "verify",
      message,
      padding: "pss",
      made: { version: 1, bytes: forged },
    } as const;
    expect((await guest.use([verify])).results).toEqual([Uint8Array.of(0)]);
  });

  it.each(["hmac-sha256", "hmac-sha384"] as const)("of %s are MACs, and verified as such", async (type) => {
    const guest = await transitGuest(await transitBroker(type));
    const message = utf8("a message");
    const made = madeIn(await guest.use([{ operation: "hmac", message }]));
    expect(made.bytes).toHaveLength(type === "hmac-sha256" ? 32 : 48);
    const verify = { operation: "verify", message, made, padding: "pss" } as const;
    const flipped = { version: 1, bytes: made.bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) };
    const cut = { version: 1, bytes: made.bytes.slice(0, -1) };
    const items = [verify, { ...verify, made: flipped }, { ...verify, made: cut }];
    const { results } = await guest.use(items);
    expect(results).toEqual([Uint8Array.of(1), Uint8Array.of(0), Uint8Array.of(0)]);
  });
});

describe("a rotated key", () => {
  it("encrypts by its newest version, opens what earlier ones made, and moves it without showing it", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const old = madeIn(await guest.use([encryptItem("kept", ROW)]));
    await broker.admin.rotateSecret(KEY, {});
    expect(madeIn(await guest.use([encryptItem("new")])).version).toBe(2);
    expect(textIn(await guest.use([openItem("decrypt", old, ROW)]))).toBe("kept");
    const moved = madeIn(await guest.use([openItem("rewrap", old, ROW)]));
    expect(moved.version).toBe(2);
    expect(textIn(await guest.use([openItem("decrypt", moved, ROW)]))).toBe("kept");
  });

  it("has its old ciphertexts moved but not opened where policy takes no other version than the current one", async () => {
    const broker = await transitBroker("aes-256-gcm", { policy: USING.replace("key_version any", "") });
    const guest = await transitGuest(broker);
    const old = madeIn(await guest.use([encryptItem("kept")]));
    await broker.admin.rotateSecret(KEY, {});
    expect(await codeOf(guest.use([openItem("decrypt", old)]))).toBe("policy/denied");
    const moved = madeIn(await guest.use([openItem("rewrap", old)]));
    expect(textIn(await guest.use([openItem("decrypt", moved)]))).toBe("kept");
  });

  it("opens nothing below its minimum, and nothing of a version that is disabled or destroyed", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const old = madeIn(await guest.use([encryptItem("kept")]));
    await broker.admin.rotateSecret(KEY, {});
    const opens = () => codeOf(guest.use([openItem("decrypt", old)]));
    await broker.admin.changeSecret(KEY, { minimum: 2 });
    expect(await opens()).toBe("transit/not-opened");
    await broker.admin.changeSecret(KEY, { minimum: 1 });
    await broker.admin.changeSecret(KEY, { version: 1, state: "disabled" });
    expect(await opens()).toBe("transit/not-opened");
    await broker.admin.changeSecret(KEY, { version: 1, state: "enabled" });
    expect(await opens()).toBe("done");
    await broker.admin.changeSecret(KEY, { version: 1, state: "destroyed", despite: 1 });
    expect(await opens()).toBe("transit/not-opened");
  });

  it("is not destroyed while a guest needs it, until the guest confirms a later version or is named", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const old = madeIn(await guest.use([encryptItem("kept")]));
    await broker.admin.rotateSecret(KEY, {});
    const destroy = () => codeOf(broker.admin.changeSecret(KEY, { version: 1, state: "destroyed" }));
    expect(await destroy()).toBe("secret/in-use");
    await guest.use([openItem("rewrap", old)]);
    expect(await destroy()).toBe("secret/in-use");
    expect(await confirmAs(broker, guest, { secret: KEY, version: 2 })).toEqual([1]);
    expect(await destroy()).toBe("done");
    const { holding } = await broker.admin.listReaders(KEY);
    expect(holding).toEqual([{ version: 2, readers: 1 }]);
  });

  it("is needed again by a guest that opens an old ciphertext after it confirmed", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const old = madeIn(await guest.use([encryptItem("kept")]));
    await broker.admin.rotateSecret(KEY, {});
    await guest.use([openItem("rewrap", old)]);
    await confirmAs(broker, guest, { secret: KEY, version: 2 });
    await guest.use([openItem("decrypt", old)]);
    expect((await broker.admin.listReaders(KEY)).holding).toContainEqual({ version: 1, readers: 1 });
  });

  it("is rotated by its schedule", async () => {
    const broker = await transitBroker("ed25519");
    await broker.admin.changeSecret(KEY, { rotateSeconds: 3600 });
    broker.pass(3601);
    await keepSecretTimes(broker.world);
    expect((await broker.admin.showSecret(KEY)).map(({ version, make }) => [version, make])).toEqual([
      [2, "transit:ed25519"],
      [1, "transit:ed25519"],
    ]);
  });
});

describe("the log of a use", () => {
  it("has a leaf of each use, yes or no, which says neither what went in nor what came out", async () => {
    const broker = await transitBroker("aes-256-gcm");
    const guest = await transitGuest(broker);
    const attested = (await entriesOf(broker)).findLast(({ kind }) => kind === "decision");
    const done = await guest.use([encryptItem("4111 1111", ROW)]);
    const entries = await entriesOf(broker);
    const entry = entries.at(-1);
    expect(entry).toMatchObject({
      kind: "decision",
      id: done.decision,
      outcome: "allow",
      items: [{ resource: KEY, op: "unwrap", version: 1, outcome: "allow" }],
    });
    for (const member of ["evidence_hash", "measurement", "binding", "vmpl"]) {
      expect(Object(entry)[member]).toEqual(Object(attested)[member]);
    }
    const detail = JSON.stringify(await broker.admin.decision(done.decision));
    const secrets = ["4111 1111", Buffer.from("4111 1111").toString("base64url"), "row 7", textIn(done)];
    for (const secret of [...secrets, Buffer.from(ROW).toString("base64url")]) {
      expect(JSON.stringify(entries)).not.toContain(secret);
      expect(detail).not.toContain(secret);
    }
    expect(await broker.admin.decision(done.decision)).toMatchObject({
      trace: { items: [{ use: "encrypt", token: Object(attested).id }] },
    });
  });

  it("counts what the policy limits, and says so in the leaf", async () => {
    const limited = USING.replace("key_version any", "key_version any rate 3 per 1h");
    const broker = await transitBroker("aes-256-gcm", { policy: limited });
    const guest = await transitGuest(broker);
    expect(await codeOf(guest.use([encryptItem("a"), encryptItem("b")]))).toBe("done");
    expect(await codeOf(guest.use([encryptItem("c"), encryptItem("d")]))).toBe("policy/denied");
    expect((await entriesOf(broker)).at(-1)).toMatchObject({ outcome: "deny", code: "counter" });
    broker.pass(3601);
    expect(await codeOf((await transitGuest(broker)).use([encryptItem("d")]))).toBe("done");
  });

  it("takes nothing from the counter where a batch finds no room for one of its items", async () => {
    const limited = USING.replace("key_version any", "key_version any rate 3 per 1h");
    const broker = await transitBroker("aes-256-gcm", { policy: limited });
    const guest = await transitGuest(broker);
    const four = ["a", "b", "c", "d"].map((word) => encryptItem(word));
    expect(await codeOf(guest.use(four))).toBe("policy/denied");
    expect(await codeOf(guest.use(four.slice(1)))).toBe("done");
  });
});
