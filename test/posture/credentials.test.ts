/** Is every credential in the inventory with what breaks when it ends, and is each kind of fault found and no other? */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeCertificate, keyStrengthOf } from "../../src/attestation/endorsement/described.ts";
import { parseEvidence } from "../../src/attestation/evidence.ts";
import { addSeconds, type Instant, instant } from "../../src/base/time.ts";
import { createEndorser } from "../../src/broker/endorse.ts";
import type { Look } from "../../src/broker/finding-scan.ts";
import type { FileCertificate, InventoryPorts } from "../../src/posture/credentials/ports.ts";
import { looksAt } from "../../src/posture/credentials/scan.ts";
import { createPosture } from "../../src/posture/posture.ts";
import { pssForm, writeCertificate } from "../../src/simulator/certificate.ts";
import { createSimulatedChip } from "../../src/simulator/sp.ts";
import type { Credential } from "../../src/wire/credential-messages.ts";
import { brokerAtHand } from "../http/broker-at-hand.ts";
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

function certificate(bits: number, from: Instant, until: Instant): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: bits });
  const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }));
  return writeCertificate(
    {
      serial: 7n,
      issuer: "some authority",
      subject: "broker.example",
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

const seenIn = (looks: readonly Look[]) =>
  looks.flatMap((look) => look.seen.map((one) => [one.class, one.subject]));

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
