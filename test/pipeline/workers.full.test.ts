/** Does the Worker keep the broker's promises with stock clients? Its own bundle, in real workerd, over D1. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createRemoteJWKSet, flattenedDecrypt, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { EvidenceProvider } from "../../src/attestation/provider.ts";
import { isFault } from "../../src/base/fault.ts";
import { attest } from "../../src/client/attest.ts";
import { createGuestClient, type EvidenceRequest } from "../../src/client/guest.ts";
import { TRANSIT_TYPES } from "../../src/keys/transit-type.ts";
import { parseEntry } from "../../src/ledger/entry.ts";
import { connectTransit } from "../../src/runtime/node/client.ts";
import { systemNow, systemRandom } from "../../src/runtime/node/clock.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { nodeSealing } from "../../src/runtime/node/sealing.ts";
import { createSimulatedAzure } from "../../src/runtime/node/simulated-azure.ts";
import { createSimulatedSvsm } from "../../src/runtime/node/simulated-svsm.ts";
import { createSimulatorProvider } from "../../src/runtime/node/simulator-provider.ts";
import { endorsementsOf, loadOrCreateMachine } from "../../src/simulator/chip-folder.ts";
import { asGuest, BOOTED_ON_AZURE, CLI, type DemoBroker, demoBroker } from "../agent/demo-broker.ts";
import { reportsMade, sourceAt } from "../agent/source-at.ts";
import { namedReport } from "../support/sev-crate-json.ts";
import { workerProgram, wrangler } from "../support/wrangler.ts";
import { ask, attestedGuest, byCookie } from "./kbs-at-hand.ts";
import { codeOf } from "./transit-at-hand.ts";

const PATH = "prod/worker/key";
const STS = "https://sts.example";
const LIMITED = "limited/worker/key";
const ON_AZURE = "azure/worker/key";
const UNDER_SVSM = "svsm/worker/key";
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);

let broker: DemoBroker;

beforeAll(async () => {
  broker = await demoBroker(
    { [PATH]: SECRET, [LIMITED]: SECRET, [ON_AZURE]: SECRET, [UNDER_SVSM]: SECRET },
    (data) => appendFileSync(join(data, DATA_FILES.config), '\n[kbs]\nversions = ["0.4.0", "0.2.0"]\n'),
    workerProgram,
  );
}, 120_000);

afterAll(() => broker.remove());

async function prepare(
  secret: string,
  provider: EvidenceProvider = createSimulatorProvider(broker.machine),
): Promise<EvidenceRequest> {
  const client = createGuestClient({ url: broker.url, fetch });
  const vtpm = await provider.vtpmKeys?.();
  const beside = vtpm === undefined ? {} : { vtpm };
  const { nonce, credential } = await client.challenge(3, undefined, beside);
  const parts = { provider, primitives: nodePrimitives };
  const asked = { claims: { want: [{ secret }] }, nonce, credential, carrier: { binding: 3 } } as const;
  const { audience, signingKey } = broker;
  return (await attest(asked, { audience, signingKey, suite: 1 }, { ...parts, random: systemRandom }))
    .request;
}

async function outcomeOf(request: EvidenceRequest): Promise<string> {
  try {
    return (await createGuestClient({ url: broker.url, fetch }).release(request)).decision;
  } catch (thrown) {
    if (isFault(thrown)) return thrown.code;
    throw thrown;
  }
}

const isReleased = (outcome: string): boolean => /^[0-9A-Z]{26}$/.test(outcome);

function ostiary(...words: readonly string[]) {
  return spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000 });
}

describe("a Worker over D1", () => {
  it("releases to the stock agent what the admin put", () => {
    const got = ostiary("agent", "get", PATH, "--fd", "1", "--format", "hex", ...asGuest(broker));
    expect([got.status, got.stdout.trim()]).toEqual([0, Buffer.from(SECRET).toString("hex")]);
  });

  it("gives a secret again without a report, and the next version once there is one", async () => {
    const path = "prod/worker/turned";
    await broker.admin.putSecret(path, { kind: "static", plaintext: SECRET });
    const { source, renewals } = await sourceAt(broker);
    const before = reportsMade();
    expect((await source.readAnew(path)).version).toBe(1);
    await broker.admin.putSecret(path, { kind: "static", plaintext: SECRET.toReversed() });
    expect(await source.readAnew(path)).toMatchObject({ version: 2, secret: SECRET.toReversed() });
    expect([reportsMade() - before, renewals]).toEqual([1, ["secrets", "secrets"]]);
    await source.close();
  });

  it("releases to a VM of Azure's that booted what policy says, and to no other", async () => {
    const vm = (booted: Uint8Array) => createSimulatedAzure(broker.machine, { pcrs: { 11: booted } });
    const known = Uint8Array.from(Buffer.from(BOOTED_ON_AZURE, "hex"));
    expect(await outcomeOf(await prepare(ON_AZURE, vm(known)))).toSatisfy(isReleased);
    expect(await outcomeOf(await prepare(ON_AZURE, vm(new Uint8Array(32))))).toBe("policy/denied");
    expect(await outcomeOf(await prepare(ON_AZURE))).toBe("policy/denied");
    const { evidence: caught } = await prepare(ON_AZURE, vm(known));
    const replayed = { ...(await prepare(ON_AZURE, vm(known))), evidence: caught };
    expect(await outcomeOf(replayed)).toBe("channel/not-bound");
  });

  it("releases to a guest under an SVSM whose vTPM opened its credential and booted what policy says", async () => {
    const vm = (booted: Uint8Array) => createSimulatedSvsm(broker.machine, { pcrs: { 11: booted } });
    const known = Uint8Array.from(Buffer.from(BOOTED_ON_AZURE, "hex"));
    expect(await outcomeOf(await prepare(UNDER_SVSM, vm(known)))).toSatisfy(isReleased);
    expect(await outcomeOf(await prepare(UNDER_SVSM, vm(new Uint8Array(32))))).toBe("policy/denied");
    const { vtpmKeys: _, ...silent } = vm(known);
    expect(await outcomeOf(await prepare(UNDER_SVSM, silent))).toBe("policy/denied");
    const { evidence } = await prepare(UNDER_SVSM, vm(known));
    const replayed = { ...(await prepare(UNDER_SVSM, vm(known))), evidence };
    expect(await outcomeOf(replayed)).toBe("channel/not-bound");
  });

  it("opens one door for a nonce, however many come at once", async () => {
    const request = await prepare(PATH);
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => outcomeOf(request)));
    expect(outcomes.filter(isReleased)).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "nonce/expired")).toHaveLength(29);
  });

  it("speaks the KBS protocol, with each kind of key, in both versions", async () => {
    const { root, chip } = loadOrCreateMachine(broker.machine, "genoa");
    const [, ...rest] = endorsementsOf(root, chip, systemNow());
    const chain = [chip.leaf, ...rest].map((der, i) => ({
      cert_type: ["VCEK", "ASK", "ARK", "CRL"][i] ?? "ASK",
      data: [...der],
    }));
    const evidenceOf = (report: Uint8Array) => ({
      attestation_report: namedReport(report),
      cert_chain: chain,
    });
    const asked = {
      app: { request: (path: string, init: RequestInit) => fetch(`${broker.url}${path}`, init) },
      chip,
    };
    for (const version of ["0.4.0", "0.2.0"] as const) {
      for (const kind of ["P-256", "P-521", "RSA"] as const) {
        const guest = await attestedGuest(asked, { version, kind, evidenceOf }); // in order: six guests
        const answer = await ask(asked, "GET", `resource/${PATH}`, byCookie(guest));
        const { plaintext } = await flattenedDecrypt(JSON.parse(await answer.text()), guest.key.privateKey);
        expect(plaintext).toEqual(SECRET);
      }
    }
  });

  it("counts releases that come at once, and none too many", async () => {
    const requests: EvidenceRequest[] = [];
    for (let i = 0; i < 70; i += 1) requests.push(await prepare(LIMITED));
    const outcomes = await Promise.all(requests.map(outcomeOf));
    expect(outcomes.filter(isReleased)).toHaveLength(60);
    expect(outcomes.filter((outcome) => outcome === "policy/denied")).toHaveLength(10);
  });

  it("signs tokens that a stock library verifies by the published keys", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-worker-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await broker.admin.addAudience("sts", { aud: STS, isBearer: true });
    const words = ["agent", "token", STS, "--no-key", "--fd", "1", ...asGuest(broker)];
    const { status, stdout, stderr } = ostiary(...words);
    expect(status, stderr).toBe(0);
    const keys = createRemoteJWKSet(new URL(`${broker.url}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(stdout.trim(), keys, { audience: STS });
    expect(payload.iss).toBe(broker.audience);
  });

  it("lets guests use transit keys of every type, and counts uses that come at once", async () => {
    const { audience, signingKey, machine, url, admin } = broker;
    const transit = await connectTransit({
      url,
      audience,
      signingKey,
      provider: createSimulatorProvider(machine),
    });
    const message = Uint8Array.of(1, 2, 3);
    for (const type of TRANSIT_TYPES) {
      const path = `prod/transit/${type}`;
      await admin.putSecret(path, { kind: "transit", type });
      if (type === "aes-256-gcm") {
        const text = await transit.encrypt(path, message);
        expect(await transit.decrypt(path, text)).toEqual(message);
        await admin.rotateSecret(path, {});
        expect(await transit.decrypt(path, await transit.rewrap(path, text))).toEqual(message);
      } else {
        const made = await (type.startsWith("hmac")
          ? transit.mac(path, message)
          : transit.sign(path, message));
        expect([type, await transit.verify(path, { message, made })]).toEqual([type, true]);
        const other = { message: Uint8Array.of(4), made };
        expect([type, await transit.verify(path, other)]).toEqual([type, false]);
      }
    }
    await admin.putSecret("limited/worker/transit", { kind: "transit", type: "aes-256-gcm" });
    const uses = Array.from({ length: 20 }, () => codeOf(transit.encrypt("limited/worker/transit", message)));
    expect(new Set(await Promise.all(uses))).toEqual(new Set(["policy/denied"])); // the chip's sixty are used up
    transit.close();
  }, 60_000);

  it("takes a key that comes sealed, once", async () => {
    const key = await broker.admin.makeImportKey({ suite: 2, validSeconds: 3600 });
    const what = { path: "prod/worker/sealed", use: "static", publicKey: new Uint8Array(0) } as const;
    const { audience, signingKey } = broker;
    const sealed = await nodeSealing.sealSecret({
      ...what,
      key,
      broker: { audience, signingKey },
      plaintext: SECRET.slice(),
    });
    const put = () => broker.admin.putSecret(what.path, { kind: "sealed", sealed });
    expect(await put()).toMatchObject({ kind: "static", version: 1 });
    await expect(put()).rejects.toMatchObject({ code: "secret/import-key" });
    const got = ostiary("agent", "get", what.path, "--fd", "1", "--format", "hex", ...asGuest(broker));
    expect(got.stdout.trim()).toBe(Buffer.from(SECRET).toString("hex"));
  });

  it("has every decision in a log that an auditor verifies offline", async () => {
    const text = await exported();
    const file = join(mkdtempSync(join(tmpdir(), "ostiary-worker-")), "log.json");
    onTestFinished(() => rmSync(join(file, ".."), { recursive: true, force: true }));
    writeFileSync(file, text);
    const verified = ostiary("ledger", "verify", file);
    expect([verified.status, verified.stdout.includes("none cut out, none changed")]).toEqual([0, true]);
    const page = await broker.admin.ledgerPage(0, 256);
    const decisions = page.entries.map(parseEntry).filter(({ kind }) => kind === "decision");
    expect(decisions.length).toBeGreaterThanOrEqual(72);
  });

  it("has all of it after a crash", async () => {
    const before = await broker.admin.ledgerPage(0, 1);
    await broker.kill();
    await broker.start();
    expect((await broker.admin.ledgerPage(0, 1)).size).toBe(before.size);
    expect(isReleased(await outcomeOf(await prepare(PATH)))).toBe(true);
  }, 120_000);

  it("keeps no plaintext in its database", async () => {
    const files = readdirSync(join(broker.signingKeyFile, "../d1"), { recursive: true, withFileTypes: true });
    const contents = files
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name)));
    expect(contents.length).toBeGreaterThan(0);
    for (const content of contents) expect(content.includes(Buffer.from(SECRET))).toBe(false);
  });
});

async function exported(): Promise<string> {
  const key = join(broker.signingKeyFile, "../admin-key.pem");
  const where = ["--broker", broker.url, "--audience", broker.audience, "--key", key];
  const { status, stdout } = ostiary("ledger", "export", ...where);
  expect(status).toBe(0);
  return stdout;
}

/** Cloudflare takes 3 MB compressed on its free plan (`limits.md`); we want to stay far below. */
const MAX_COMPRESSED_BYTES = 600_000;

describe("the bundle that wrangler would deploy", () => {
  it("needs nothing of Node's, and stays small", () => {
    const folder = mkdtempSync(join(tmpdir(), "ostiary-bundle-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const made = wrangler("deploy", "--dry-run", "--outdir", folder);
    expect(made.status, made.stderr).toBe(0);
    expect(statSync(join(folder, "worker.js")).size).toBeGreaterThan(100_000);
    const bundle = readFileSync(join(folder, "worker.js"));
    expect(bundle.toString()).not.toMatch(/(?:from|require\(|import\()\s*["']node:/);
    expect(bundle.toString()).not.toContain("better-sqlite3");
    expect(gzipSync(bundle).length).toBeLessThan(MAX_COMPRESSED_BYTES);
  });
});
