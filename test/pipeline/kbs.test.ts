/** Does a guest of the KBS protocol get its secret? Whole conversations in 0.4.0 and 0.2.0, with each kind of key, by cookie and by token. */
import { createHash, X509Certificate } from "node:crypto";
import { createLocalJWKSet, decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { ledgerEntries } from "../../src/broker/leaves.ts";
import { createSimulatedVtpm, generateAttestationKey } from "../../src/simulator/vtpm.ts";
import { AUDIENCE } from "../http/broker-at-hand.ts";
import { laidOutReport, type SerdeValue } from "../support/sev-crate-json.ts";
import { itWithVectors, readVector } from "../support/shared-vectors.ts";
import { azureEvidence } from "../support/simulated-azure.ts";
import type { GuestBroker } from "./guest-at-hand.ts";
import {
  ask,
  attest,
  attestedGuest,
  byCookie,
  byToken,
  CONTENT,
  cookieIn,
  errorOf,
  KBS_PATH,
  KBS_POLICY,
  type KeyKind,
  kbsBroker,
  opened,
  openSession,
  runtimeHash,
  teeKey,
  type Version,
} from "./kbs-at-hand.ts";

const KINDS: readonly KeyKind[] = ["P-256", "P-521", "RSA"];
const VERSIONS: readonly Version[] = ["0.4.0", "0.2.0"];

describe("a conversation", () => {
  for (const version of VERSIONS) {
    for (const kind of KINDS) {
      it(`of ${version} with a key ${kind} ends in the secret, by cookie and by token`, async () => {
        const broker = await kbsBroker();
        const guest = await attestedGuest(broker, { version, kind });
        for (const shown of [byCookie(guest), byToken(guest)]) {
          const answer = await ask(broker, "GET", `resource/${KBS_PATH}`, shown);
          expect(answer.status).toBe(200);
          expect(await opened(answer, guest.key)).toBe(CONTENT);
        }
      });
    }
  }
});

describe("a session", () => {
  it("has the form that clients know: a nonce in base64, empty parameters, and a cookie of 32 hex digits", async () => {
    const broker = await kbsBroker();
    for (const version of VERSIONS) {
      const answer = await ask(broker, "POST", "auth", {
        body: JSON.stringify({ version, tee: "snp", "extra-params": version === "0.4.0" ? {} : "" }),
      });
      expect(answer.status).toBe(200);
      expect(JSON.parse(await answer.text())).toEqual({
        nonce: expect.stringMatching(/^[A-Za-z0-9+/]{64}$/),
        "extra-params": "",
      });
      expect(answer.headers.get("set-cookie")).toMatch(
        /^kbs-session-id=[0-9a-f]{32}; Expires=[^;]+ GMT; Max-Age=60; Path=\/kbs\/v0; HttpOnly; Secure; SameSite=Strict$/,
      );
    }
  });

  it("is named again by the answer to its attestation, for as long as its token lives", async () => {
    const broker = await kbsBroker();
    const session = await openSession(broker);
    const answer = await attest(broker, session);
    expect(cookieIn(answer)).toBe(session.cookie);
    expect(answer.headers.get("set-cookie")).toContain("; Max-Age=300;");
  });

  it("is opened for parameters that nobody here knows, and for no selector of policies", async () => {
    const broker = await kbsBroker();
    const of = (params: unknown) =>
      ask(broker, "POST", "auth", {
        body: JSON.stringify({ version: "0.4.0", tee: "snp", "extra-params": params }),
      });
    expect((await of({ "supported-hash-algorithms": ["sha384"], "something-new": { a: [1] } })).status).toBe(
      200,
    );
    expect(await errorOf(await of({ id: "strict" }))).toEqual([401, "SerdeError"]);
  });

  it("is attested by a report as older crates write it", async () => {
    const broker = await kbsBroker();
    const laidOut = { version: 2, patchBefore: (report: Uint8Array) => void report.fill(0, 0x188, 0x1a0) };
    const guest = await attestedGuest(broker, {
      version: "0.2.0",
      report: laidOut,
      reportJson: laidOutReport,
    });
    const answer = await ask(broker, "GET", `resource/${KBS_PATH}`, byCookie(guest));
    expect(await opened(answer, guest.key)).toBe(CONTENT);
  });
});

describe("the ledger", () => {
  it("has the attestation and each resource as decisions of the KBS exchange, the second over held evidence", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    broker.pass(7);
    await ask(broker, "GET", `resource/${KBS_PATH}`, byCookie(guest));
    const [attested, read] = (await ledgerEntries({ from: 0, limit: 100 }, broker.world)).slice(-2);
    expect(attested).toMatchObject({
      kind: "decision",
      v: 1,
      outcome: "allow",
      binding: 0,
      suite: 0,
      vmpl: 0,
    });
    expect(attested).toMatchObject({ items: [{ resource: "attest", op: "release" }], simulated: true });
    expect(read).toMatchObject({ kind: "decision", v: 2, outcome: "allow", binding: 0, suite: 0 });
    expect(read).toMatchObject({ items: [{ resource: KBS_PATH, version: 1 }], held: { age: 7 } });
    const trace = await broker.admin.decision(read?.kind === "decision" ? read.id : "");
    expect(JSON.stringify(trace)).toContain('"request.channel":"kbs"');
  });

  it("has a denial too, with its cause for the operator, and the guest its id", async () => {
    const broker = await kbsBroker();
    const measurement = new Uint8Array(48).fill(3);
    const answer = await attest(broker, await openSession(broker), { report: { measurement } });
    const text = await answer.clone().text();
    expect(await errorOf(answer)).toEqual([401, "PolicyDeny"]);
    const id = /urn:ostiary:([0-9A-Z]{26})/.exec(text)?.[1] ?? "";
    expect(text).toContain("this image is not approved");
    const told = await broker.admin.decision(id);
    expect(told).toMatchObject({
      kind: "decision",
      entry: { outcome: "deny", binding: 0, code: "require-failed" },
    });
  });
});

/** What a consumer has that knows nothing of Ostiary but its address: discovery document, keys, and the text of the protocol. */
async function verifiedClaims(broker: GuestBroker, token: string) {
  const discovery = await broker.app.request("/.well-known/openid-configuration");
  const { jwks_uri: uri, issuer }: { jwks_uri: string; issuer: string } = JSON.parse(await discovery.text());
  const keys = await broker.app.request(uri.slice(AUDIENCE.length));
  const jwks = createLocalJWKSet(JSON.parse(await keys.text()));
  const currentDate = new Date(broker.world.now() * 1000);
  return jwtVerify(token, jwks, { issuer, algorithms: ["ES256"], currentDate });
}

describe("a token", () => {
  it("is verified by a consumer that has the broker's published keys, and names the key to wrap to", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker);
    const { payload } = await verifiedClaims(broker, guest.token);
    const now = broker.world.now();
    expect(payload).toMatchObject({
      eat_profile: "tag:github.com,2024:confidential-containers/Trustee",
      iat: now,
      nbf: now,
      exp: now + 300,
      "ear.verifier-id": { developer: expect.any(String), build: expect.any(String) },
      submods: {
        cpu0: {
          "ear.status": "affirming",
          "ear.appraisal-policy-id": expect.stringMatching(/^urn:ostiary:bundle:[0-9a-f]{64}$/),
          "ear.veraison.annotated-evidence": {
            snp: {
              measurement: "02".repeat(48),
              policy_debug_allowed: false,
              policy_migrate_ma: false,
              policy_smt_allowed: true,
              reported_tcb_snp: 24,
              reported_tcb_microcode: 219,
              platform_smt_enabled: expect.any(Boolean),
              chip_id: expect.stringMatching(/^[0-9a-f]{128}$/),
            },
            init_data: expect.stringMatching(/^[0-9a-f]{64}$/),
            runtime_data_claims: {
              nonce: guest.nonce,
              "tee-pubkey": guest.key.jwk,
              "additional-evidence": "",
            },
          },
        },
      },
    });
  });

  it("has the claims that the stock policies of Trustee read, at their paths", async () => {
    const broker = await kbsBroker();
    const { token } = await attestedGuest(broker);
    const { payload } = await verifiedClaims(broker, token);
    const at = (...path: readonly string[]) =>
      path.reduce<unknown>(
        (value, name) => (typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined),
        payload,
      );
    expect(at("submods", "cpu0", "ear.status")).toBe("affirming");
    const evidence = ["submods", "cpu0", "ear.veraison.annotated-evidence"] as const;
    for (const name of [
      ...["policy_abi_major", "policy_abi_minor", "policy_single_socket"],
      ...["reported_tcb_bootloader", "reported_tcb_tee", "platform_tsme_enabled"],
    ]) {
      expect(at(...evidence, "snp", name), name).toBeDefined();
    }
    expect(at(...evidence, "report_data")).toMatch(/^[0-9a-f]{128}$/);
  });

  it("carries its signer's key in its header, which is one of the published keys", async () => {
    const broker = await kbsBroker();
    const { token } = await attestedGuest(broker);
    const header = decodeProtectedHeader(token);
    expect(header).toMatchObject({ alg: "ES256", typ: "JWT", kid: expect.any(String) });
    const { jwk } = header;
    if (jwk === undefined) throw new Error("a key in the header");
    const currentDate = new Date(broker.world.now() * 1000);
    await jwtVerify(token, await importJWK(jwk satisfies JWK, "ES256"), { currentDate });
    const keys = await broker.app.request("/.well-known/jwks.json");
    expect(await keys.text()).toContain(String(jwk.x));
  });

  it("of a guest whose image is about to retire warns", async () => {
    const digest = "02".repeat(48);
    const policy = KBS_POLICY.replace(
      "policy containers {",
      `refset images of measurement {\n  "old" = hex"${digest}" valid 2026-01-01 .. 2027-01-01 state retiring\n}\npolicy containers {`,
    ).replace(`measurement == hex"${digest}"`, "measurement in images");
    const broker = await kbsBroker({ policy });
    const { token } = await attestedGuest(broker);
    const { payload } = await verifiedClaims(broker, token);
    expect(payload["submods"]).toMatchObject({ cpu0: { "ear.status": "warning" } });
  });
});

const INIT_DATA = `algorithm = "sha256"
version = "0.1.0"

[data]
"aa.toml" = """
[token_configs.kbs]
url = "https://kbs.example"
"""
"policy.rego" = "package agent_policy"
`;

function hostDataOf(text: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(text).digest());
}

describe("init-data", () => {
  it("that the guest was started with is in its token, file by file", async () => {
    const broker = await kbsBroker();
    const guest = await attestedGuest(broker, {
      report: { hostData: hostDataOf(INIT_DATA) },
      initData: { format: "toml", body: INIT_DATA },
    });
    const { payload } = await verifiedClaims(broker, guest.token);
    expect(payload).toMatchObject({
      submods: {
        cpu0: {
          "ear.veraison.annotated-evidence": {
            init_data: createHash("sha256").update(INIT_DATA).digest("hex"),
            init_data_claims: {
              "aa.toml": { token_configs: { kbs: { url: "https://kbs.example" } } },
              "policy.rego": "package agent_policy",
            },
          },
        },
      },
    });
  });

  it("that is too large for a token leaves its digest there, and the token is one that resources take", async () => {
    const broker = await kbsBroker();
    const body = `algorithm = "sha256"\n[data]\n"policy.rego" = "${"x".repeat(20_000)}"\n`;
    const guest = await attestedGuest(broker, {
      report: { hostData: hostDataOf(body) },
      initData: { format: "toml", body },
    });
    const { payload } = await verifiedClaims(broker, guest.token);
    expect(JSON.stringify(payload)).toContain(createHash("sha256").update(body).digest("hex"));
    expect(JSON.stringify(payload)).not.toContain("init_data_claims");
    expect((await ask(broker, "GET", `resource/${KBS_PATH}`, byToken(guest))).status).toBe(200);
  });

  it("decides where the policy names HOST_DATA, whether or not the guest sends it", async () => {
    const hostData = hostDataOf(INIT_DATA);
    const named = `require host_data == hex"${Buffer.from(hostData).toString("hex")}" else "other init-data"`;
    const broker = await kbsBroker({ policy: KBS_POLICY.replace("require vmpl == 0", named) });
    expect((await attest(broker, await openSession(broker), { report: { hostData } })).status).toBe(200);
    expect(await errorOf(await attest(broker, await openSession(broker)))).toEqual([401, "PolicyDeny"]);
  });
});

const AZURE_KBS = KBS_POLICY.replace("platform bare-metal", "platform azure")
  .replace(
    /require measurement .*\n/,
    'require has vtpm.secure_boot and vtpm.secure_boot else "secure boot is off"\n',
  )
  .replace("require not guest.debug else", "require none { guest.debug, guest.migrate_ma } else");

/** As \`az-snp-vtpm\` writes it: numbers, and the certificate as PEM. */
function azureJson({ chip }: GuestBroker, binder: Uint8Array, pcr8?: Uint8Array): SerdeValue {
  const vtpm = createSimulatedVtpm(AZURE_KEY, pcr8 === undefined ? {} : { 8: pcr8 });
  const { hcl, quote, signature, pcrs } = azureEvidence(binder, chip, { vtpm });
  return {
    quote: { signature: [...signature], message: [...quote], pcrs: pcrs.map((one) => [...one]) },
    report: [...hcl],
    vcek: new X509Certificate(chip.leaf).toString(),
  };
}
const AZURE_KEY = generateAttestationKey();

describe("a container of Azure's", () => {
  for (const version of VERSIONS) {
    it(`gets its secret by a quote over the hash, in ${version}`, async () => {
      const broker = await kbsBroker({ policy: AZURE_KBS });
      const key = teeKey();
      const session = await openSession(broker, version, "az-snp-vtpm");
      const devices = version === "0.4.0" ? { "additional-evidence": "" } : {};
      const binder = runtimeHash({ nonce: session.nonce, "tee-pubkey": key.jwk, ...devices });
      const answer = await attest(broker, session, { key, evidence: azureJson(broker, binder) });
      expect(answer.status).toBe(200);
      const { token }: { token: string } = JSON.parse(await answer.text());
      const { payload } = await verifiedClaims(broker, token);
      expect(JSON.stringify(payload)).toContain('"az-snp-vtpm":{');
      const read = await ask(broker, "GET", `resource/${KBS_PATH}`, byCookie(session));
      expect(await opened(read, key)).toBe(CONTENT);
    });
  }

  it("has its init-data in PCR 8, or is refused", async () => {
    const broker = await kbsBroker({ policy: AZURE_KBS });
    const extended = createHash("sha256").update(new Uint8Array(32)).update(hostDataOf(INIT_DATA)).digest();
    for (const [pcr8, status] of [
      [new Uint8Array(extended), 200] as const,
      [hostDataOf(INIT_DATA), 401] as const,
    ]) {
      const [key, session] = [teeKey(), await openSession(broker, "0.4.0", "az-snp-vtpm")];
      const binder = runtimeHash({ nonce: session.nonce, "tee-pubkey": key.jwk, "additional-evidence": "" });
      const evidence = azureJson(broker, binder, pcr8);
      const initData = { format: "toml", body: INIT_DATA };
      expect((await attest(broker, session, { key, evidence, initData })).status).toBe(status);
    }
  });

  itWithVectors("of real hardware is known by this door, and refused for its nonce alone", async () => {
    const broker = await kbsBroker({ policy: AZURE_KBS });
    const text = new TextDecoder().decode(readVector("azure/trustee/evidence-genoa.json"));
    const evidence: SerdeValue = JSON.parse(text);
    const answer = await attest(broker, await openSession(broker, "0.4.0", "az-snp-vtpm"), { evidence });
    const id = /urn:ostiary:([0-9A-Z]{26})/.exec(await answer.clone().text())?.[1] ?? "";
    expect(await errorOf(answer)).toEqual([401, "AttestationError"]);
    expect(await broker.admin.decision(id)).toMatchObject({
      kind: "refusal",
      code: "channel/not-bound",
      format: "azure-hcl",
    });
  });
});

describe("a broker without [kbs]", () => {
  it("has nothing below /kbs", async () => {
    const broker = await kbsBroker({ edge: { kbs: undefined } as never });
    for (const [method, path] of [
      ["POST", "auth"],
      ["POST", "attest"],
      ["GET", `resource/${KBS_PATH}`],
      ["POST", `resource/${KBS_PATH}`],
      ["POST", "resource-policy"],
      ["GET", "anything"],
    ] as const) {
      const answer = await ask(broker, method, path);
      expect([answer.status, answer.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
    }
  });

  it("opens no session of 0.2.0 unless that is said", async () => {
    const broker = await kbsBroker({ kbs: { versions: ["0.4.0"] } });
    await openSession(broker, "0.4.0");
    const answer = await ask(broker, "POST", "auth", {
      body: JSON.stringify({ version: "0.2.0", tee: "snp", "extra-params": "" }),
    });
    expect(await answer.clone().text()).toContain(
      "KBS Client Protocol Version Mismatch: expect =0.4.0 while the request is 0.2.0",
    );
    expect(await errorOf(answer)).toEqual([401, "AttestationError"]);
  });
});
