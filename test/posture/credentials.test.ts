/** Is every credential in the inventory with what breaks when it ends, and is each kind of fault found and no other? */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeCertificate, keyStrengthOf } from "../../src/attestation/endorsement/described.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { addSeconds, type Instant, instant } from "../../src/base/time.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import type { Look } from "../../src/broker/finding-scan.ts";
import { jwkOf } from "../../src/broker/tokens.ts";
import type { Account } from "../../src/policy/accounts.ts";
import type { FileCertificate, InventoryPorts } from "../../src/posture/credentials/ports.ts";
import { looksAt } from "../../src/posture/credentials/scan.ts";
import { createPosture } from "../../src/posture/posture.ts";
import { pssForm, writeCertificate } from "../../src/simulator/certificate.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import type { Credential } from "../../src/wire/credential-messages.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
import { ecKey, forger, ISSUER, rsaKey } from "../support/openid-forger.ts";
import { SIMULATED_NOW, simulatedRoot, simulatedSource, simulatedTrust } from "../support/simulated.ts";

const DAY = 86_400;

function portsOf(broker = brokerAtHand(), files: readonly FileCertificate[] = []): InventoryPorts {
  return {
    ...broker.world,
    providers: broker.world.trust.providers,
    files: async () => files,
    usePages: 10,
    ownerOf: (kind) => `owner of ${kind}`,
  };
}

const inventory = (ports: InventoryPorts, now: Instant) => createPosture(ports, 900).credentials(now);

const seenIn = (looks: readonly Look[]) =>
  looks.flatMap((look) => look.seen.map((one) => [one.class, one.subject]));

interface Names {
  readonly issuer: string;
  readonly subject: string;
}

function certificate(bits: number, from: Instant, until: Instant, names: Partial<Names> = {}): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
  return writeCertificate(
    {
      serial: 7n,
      issuer: "some authority",
      subject: "broker.example",
      ...names,
      notBefore: from,
      notAfter: until,
      spki,
      extensions: [],
      hasTrailer: false,
      form: pssForm("sha256", false),
    },
    privateKey,
  );
}

describe("the inventory", () => {
  it("holds the broker's own keys, admins, root key, tokens' keys, imports and audiences, with their owners", async () => {
    const broker = brokerAtHand();
    await broker.admin.addAudience("sts", { aud: "https://sts.example", isBearer: true });
    await broker.admin.makeImportKey({ suite: 1, validSeconds: 600 });
    const all = await inventory(portsOf(broker), broker.world.now());
    const kinds = new Set(all.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      ["admin-key", "audience", "import-key", "kek", "ledger-key", "signing-key", "token-key"].sort(),
    );
    expect(all.map(({ name }) => name)).toEqual(all.map(({ name }) => name).toSorted());
    for (const one of all) {
      expect(one.owner).toBe(`owner of ${one.kind}`);
      expect(one.breaks).not.toBe("");
    }
    const admin = all.find(({ kind }) => kind === "admin-key");
    expect(admin).toMatchObject({ name: "admin-key/admin-1", algorithm: "Ed25519", bits: 256 });
    expect(admin?.lastUsedAt).toBe(broker.world.now());
  });

  it("holds AMD's certificates and CRL that were fetched, and says which guests are refused without them", async () => {
    const broker = brokerAtHand();
    const root = simulatedRoot("milan");
    const chip = createSimulatedChip(root);
    const trust = { ...simulatedTrust("milan"), lowestCrlNumber: () => undefined };
    const { store } = broker.world;
    const endorse = createEndorser({
      store,
      source: simulatedSource(root, chip),
      trust,
      log: () => undefined,
    });
    await endorse(
      parseEvidence({ format: "raw", report: chip.report({ reportData: new Uint8Array(64) }) }),
      SIMULATED_NOW,
    );
    const all = await inventory(portsOf(broker), SIMULATED_NOW);
    const amd = all.filter(({ kind }) => ["ark", "ask", "vcek", "crl"].includes(kind));
    expect(amd.map(({ name, algorithm, bits }) => [name, algorithm, bits])).toEqual([
      ["ark/milan/vcek", "RSA", 4096],
      ["ask/milan", "RSA", 4096],
      ["crl/vcek/milan", "RSA", 4096],
      [`vcek/milan/${"03".repeat(16)}/-.4.0.24.219`, "EC P-384", 384],
    ]);
    expect(amd[2]?.breaks).toContain("guests on Milan are refused");
    expect(amd[2]?.obtainedAt).toBe(SIMULATED_NOW);
  });

  it("reads the strength of any certificate, and says no to what is none", () => {
    const [from, until] = [instant(1_700_000_000), instant(2_600_000_000)];
    const described = describeCertificate(certificate(2048, from, until));
    expect(described).toMatchObject({
      notBefore: from,
      notAfter: until,
      key: { algorithm: "RSA", bits: 2048 },
      signedWith: "SHA-256",
      isSelfIssued: false,
    });
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-521" });
    const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
    expect(keyStrengthOf(spki)).toEqual({ algorithm: "EC P-521", bits: 521 });
    for (const bytes of [Uint8Array.of(), Uint8Array.of(0x30, 0), Uint8Array.of(0x30, 3, 0x30, 1, 0)])
      expect(() => describeCertificate(bytes)).toThrow(
        expect.objectContaining({ code: "endorsement/malformed" }),
      );
  });

  it("is not told in part where a file cannot be read", async () => {
    const ports = { ...portsOf(), files: () => Promise.reject(new Error("unreadable")) };
    await expect(inventory(ports, SIMULATED_NOW)).rejects.toThrow("unreadable");
  });
});

describe("authorities in files", () => {
  const [from, until] = [instant(1_700_000_000), instant(2_600_000_000)];
  const leaf = certificate(2048, from, until);
  const authority = certificate(2048, from, until, { issuer: "root", subject: "some authority" });
  const stranger = certificate(2048, from, until, { issuer: "root", subject: "another authority" });
  const shown = { name: "own", kind: "broker-tls", der: leaf } as const;

  async function named(files: readonly FileCertificate[]) {
    const all = await inventory(portsOf(brokerAtHand(), files), SIMULATED_NOW);
    return all.filter(({ kind }) => ["agent-ca", "outgoing-ca", "broker-tls"].includes(kind));
  }

  it("are needed where they vouch for what agents are shown, and orphans where they do not", async () => {
    const all = await named([
      shown,
      { name: "old", kind: "agent-ca", der: stranger },
      { name: "now", kind: "agent-ca", der: authority },
    ]);
    expect(all.map(({ name, neededBy }) => [name, neededBy.length])).toEqual([
      ["agent-ca/now", 1],
      ["agent-ca/old", 0],
      ["broker-tls/own", 1],
    ]);
    const orphans = looksAt(all, SIMULATED_NOW).find((look) => look.class === "credential-orphaned");
    expect(orphans?.seen.map(({ subject }) => subject)).toEqual(["agent-ca/old"]);
  });

  it("are needed as far as anybody here knows where another program ends TLS", async () => {
    const [one] = await named([{ name: "old", kind: "agent-ca", der: stranger }]);
    expect(one?.neededBy).toEqual(["the configuration"]);
  });

  it("are one where one stands behind the broker's certificate and is watched with an owner", async () => {
    const behind = { kind: "agent-ca", scope: "vouches for the TLS of this broker" } as const;
    const all = await named([
      shown,
      { ...behind, name: "own/authority-1", der: authority },
      { ...behind, name: "own/authority-2", der: stranger },
      { name: "now", kind: "agent-ca", der: authority, owner: "network team" },
    ]);
    expect(all.map(({ name, owner }) => [name, owner])).toEqual([
      ["agent-ca/now", "network team"],
      ["agent-ca/own/authority-2", "owner of agent-ca"],
      ["broker-tls/own", "owner of broker-tls"],
    ]);
  });

  it("that this broker believes say whom they are for, and are too many in the bundle of a system", async () => {
    const store = { kind: "outgoing-ca", scope: "vouches for the database", der: authority } as const;
    const few = await named([{ ...store, name: "store", among: 4 }]);
    expect(few[0]).toMatchObject({ scope: "vouches for the database", neededBy: ["the configuration"] });
    expect(seenIn(looksAt(few, SIMULATED_NOW))).toEqual([]);
    const many = await named([{ ...store, name: "store", among: 140 }]);
    expect(seenIn(looksAt(many, SIMULATED_NOW))).toEqual([["credential-over-scoped", "outgoing-ca/store"]]);
  });

  it("may be believed in two places, and may not be a key that is shown as well", async () => {
    const agents = { name: "now", kind: "agent-ca", der: authority } as const;
    const store = {
      name: "store",
      kind: "outgoing-ca",
      scope: "vouches for the database",
      der: authority,
    } as const;
    expect(seenIn(looksAt(await named([shown, agents, store]), SIMULATED_NOW))).toEqual([]);
    const pinned = await named([shown, { ...agents, der: leaf }]);
    expect(seenIn(looksAt(pinned, SIMULATED_NOW))).toEqual([["credential-over-scoped", "agent-ca/now"]]);
  });

  it.each([
    ["expired", addSeconds(SIMULATED_NOW, -60), "credential-expired"],
    ["that end soon", addSeconds(SIMULATED_NOW, 50 * DAY), "credential-expiring"],
  ] as const)("are found %s", async (_name, ends, expected) => {
    const der = certificate(2048, from, ends, { issuer: "root" });
    const all = await named([{ name: "store", kind: "outgoing-ca", scope: "vouches for the database", der }]);
    expect(seenIn(looksAt(all, SIMULATED_NOW)).map(([name]) => name)).toContain(expected);
  });
});

describe("keys of providers that admins sign in by", () => {
  const account: Account = {
    kid: "ada-sso",
    issuer: ISSUER,
    subject: "1",
    person: "ada",
    roles: ["auditor"],
    under: [],
  };
  const [begins, ends] = [addSeconds(SIMULATED_NOW, -90 * DAY), addSeconds(SIMULATED_NOW, 10 * DAY)];

  function signedInAt(accounts: readonly Account[] = [account]) {
    const broker = brokerAtHand();
    const provider = forger({}, broker.world.now);
    const roster = async () => {
      const known = await broker.world.roster();
      return { ...known, now: { ...known.now, accounts } };
    };
    const ports = { ...portsOf(broker), roster, identity: provider.identity };
    const found = async () =>
      (await inventory(ports, SIMULATED_NOW)).filter(({ kind }) => kind === "oidc-key");
    return { broker, provider, ports, found };
  }

  it("stand there with strength, dates of their certificate, use, and the accounts that depend on them", async () => {
    const { broker, provider, found } = signedInAt();
    const x5c = [Buffer.from(certificate(2048, begins, ends)).toString("base64")];
    provider.keys = [{ ...rsaKey("short", 1024).jwk, x5c }, ecKey("good").jwk];
    const at = instant(1_795_000_000);
    await broker.world.store.noteUses([
      { name: `oidc-key/${ISSUER}/good`, firstAt: at, lastAt: at, about: "" },
    ]);
    const [good, short] = await found();
    expect(good).toMatchObject({ algorithm: "EC P-256", bits: 256, lastUsedAt: at });
    expect(good).toMatchObject({ neededBy: ["account ada-sso"], owner: "owner of oidc-key" });
    expect(short).toMatchObject({ algorithm: "RSA", bits: 1024, notAfter: ends, signedWith: "SHA-256" });
    expect(short?.lastUsedAt).toBeUndefined();
    expect(seenIn(looksAt(await found(), SIMULATED_NOW))).toEqual([
      ["credential-expiring", `oidc-key/${ISSUER}/short`],
      ["credential-weak", `oidc-key/${ISSUER}/short`],
    ]);
  });

  it("are orphans where no account signs in by them, and a certificate that is none is a line of the log", async () => {
    const { broker, provider, found } = signedInAt([]);
    provider.keys = [{ ...ecKey("one").jwk, x5c: ["AAAA"] }];
    expect(seenIn(looksAt(await found(), SIMULATED_NOW))).toEqual([
      ["credential-orphaned", `oidc-key/${ISSUER}/one`],
    ]);
    expect(broker.lines.map(({ event }) => event)).toContain("certificate-unreadable");
  });

  it("are over-scoped where one of them is a key of this broker as well", async () => {
    const { broker, provider, ports } = signedInAt();
    const { current } = await broker.world.tokenKeys.keys();
    provider.keys = [{ ...jwkOf(current.signer.spki), kid: "mine" }];
    const seen = seenIn(looksAt(await inventory(ports, SIMULATED_NOW), SIMULATED_NOW));
    expect(seen).toContainEqual(["credential-over-scoped", `oidc-key/${ISSUER}/mine`]);
    expect(seen).toContainEqual(["credential-over-scoped", `token-key/${current.signer.kid}`]);
  });

  it("are left out while their provider cannot be asked, and everything else is told", async () => {
    const { provider, ports, found } = signedInAt();
    provider.answer = () => Promise.reject(new TypeError("fetch failed"));
    expect(await found()).toEqual([]);
    expect((await inventory(ports, SIMULATED_NOW)).map(({ name }) => name)).toContain("admin-key/ada-sso");
  });

  it("leave an account behind as an orphan where the configuration names its provider no more", async () => {
    const { ports } = signedInAt([{ ...account, issuer: "https://former.example" }]);
    const seen = seenIn(looksAt(await inventory(ports, SIMULATED_NOW), SIMULATED_NOW));
    expect(seen).toContainEqual(["credential-orphaned", "admin-key/ada-sso"]);
  });
});

// ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const NOW = instant(1_795_000_000);

const GOOD: Credential = {
  name: "broker-tls/own",
  kind: "broker-tls",
  fingerprint: "ab".repeat(32),
  keyFingerprint: "cd".repeat(32),
  owner: "network",
  notBefore: addSeconds(NOW, -100 * DAY),
  notAfter: addSeconds(NOW, 200 * DAY),
  algorithm: "EC P-256",
  bits: 256,
  signedWith: "SHA-256",
  scope: "TLS of this broker",
  neededBy: ["the configuration"],
  breaks: "no guest reaches this broker",
};

const faults: readonly (readonly [string, Partial<Credential>, string, Instant | undefined])[] = [
  ["an RSA key of 1024 bits", { algorithm: "RSA", bits: 1024 }, "credential-weak", GOOD.notBefore],
  ["a curve of 192 bits", { algorithm: "EC P-192", bits: 192 }, "credential-weak", GOOD.notBefore],
  ["a signature over SHA-1", { signedWith: "SHA-1" }, "credential-weak", GOOD.notBefore],
  ["a scope that is too wide", { excess: "any name" }, "credential-over-scoped", GOOD.notBefore],
  ["nothing that needs it", { neededBy: [], since: NOW }, "credential-orphaned", NOW],
  [
    "an end within its lead time",
    { notAfter: addSeconds(NOW, 20 * DAY) },
    "credential-expiring",
    addSeconds(NOW, -DAY),
  ],
  [
    "an end within a third of a short life",
    { notBefore: addSeconds(NOW, -5 * DAY), notAfter: addSeconds(NOW, 2 * DAY) },
    "credential-expiring",
    addSeconds(NOW, 2 * DAY - Math.floor((7 * DAY) / 3)),
  ],
  [
    "a CRL that was not fetched for more than a day",
    { kind: "crl", obtainedAt: addSeconds(NOW, -DAY - 5) },
    "crl-stale",
    addSeconds(NOW, -5),
  ],
  [
    "an admin's key that nobody used for 91 days",
    { kind: "admin-key", lastUsedAt: addSeconds(NOW, -91 * DAY) },
    "credential-unused",
    addSeconds(NOW, -DAY),
  ],
];

describe("a credential", () => {
  it("that is good is passed by every rule that concerns it", () => {
    const looks = looksAt([GOOD], NOW);
    expect(seenIn(looks)).toEqual([]);
    expect(looks.filter(({ passed }) => passed.length > 0).map((look) => look.class)).toEqual([
      "credential-expired",
      "credential-expiring",
      "credential-weak",
      "credential-over-scoped",
      "credential-orphaned",
    ]);
    expect(looks.every(({ isWhole }) => isWhole)).toBe(true);
  });

  it.each(faults)("with %s is a finding since it was so, and no other", (_, change, expected, since) => {
    const looks = looksAt([{ ...GOOD, ...change }], NOW);
    expect(seenIn(looks)).toEqual([[expected, GOOD.name]]);
    const [sighting] = looks.flatMap(({ seen }) => seen);
    expect(sighting?.introducedAt).toBe(since);
    expect(sighting?.owner).toBe("network");
  });

  it("that has ended is expired since its end, and expiring still: only its renewal ends both", () => {
    const ended = { ...GOOD, notAfter: addSeconds(NOW, -60) };
    expect(seenIn(looksAt([ended], NOW)).map(([name]) => name)).toEqual([
      "credential-expired",
      "credential-expiring",
    ]);
    const [sighting] = looksAt([ended], NOW).flatMap(({ seen }) => seen);
    expect(sighting).toMatchObject({ severity: "critical", introducedAt: ended.notAfter });
    expect(sighting?.sentence).toContain(GOOD.breaks);
    expect(seenIn(looksAt([{ ...GOOD, notAfter: NOW }], NOW)).map(([name]) => name)).toEqual([
      "credential-expiring",
    ]);
  });

  it("whose key is that of another is found at both", () => {
    const twin = { ...GOOD, name: "signing-key/a", kind: "signing-key" } as const;
    expect(seenIn(looksAt([GOOD, twin], NOW))).toEqual([
      ["credential-over-scoped", GOOD.name],
      ["credential-over-scoped", twin.name],
    ]);
  });

  it("that a drill planted is labelled, and came to be when it was planted", () => {
    const planted = { ...GOOD, bits: 128, drill: "01J", since: NOW };
    const [sighting] = looksAt([planted], NOW).flatMap(({ seen }) => seen);
    expect(sighting).toMatchObject({ drill: "01J", introducedAt: NOW });
  });
});
