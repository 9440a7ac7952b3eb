/** Does `ostiary agent token` write a token and keep its key, and never a key on a disk? */
import { spawn } from "node:child_process";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CompactSign, calculateJwkThumbprint, createRemoteJWKSet, exportJWK, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker } from "./demo-broker.ts";

const STS = "https://sts.example";
const TMPFS_MAGIC = 0x01021994;
const hasTmpfs = existsSync("/dev/shm") && statfsSync("/dev/shm").type === TMPFS_MAGIC;
const itInTmpfs = hasTmpfs
  ? it
  : (name: string, _: () => Promise<void>) => it.skip(`${name} (skipped: no tmpfs at /dev/shm)`, () => {});

let broker: DemoBroker;
let memory: string;
let disk: string;

beforeAll(async () => {
  broker = await demoBroker({});
  await broker.admin.addAudience("sts", { aud: STS, isBearer: false });
  memory = hasTmpfs ? mkdtempSync("/dev/shm/ostiary-token-") : "";
  disk = mkdtempSync(join(tmpdir(), "ostiary-token-"));
});

afterAll(async () => {
  for (const folder of [memory, disk].filter((name) => name !== "")) rmSync(folder, { recursive: true });
  await broker.remove();
});

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

function run(words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [CLI, "agent", "token", ...words, ...asGuest(broker)]);
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => {
    out += piece.toString();
  });
  child.stderr.on("data", (piece: Buffer) => {
    err += piece.toString();
  });
  return new Promise((done) => child.once("close", (status) => done({ status, out, err })));
}

async function verified(token: string, audience: string) {
  const keys = createRemoteJWKSet(new URL(`${broker.url}/.well-known/jwks.json`));
  const { payload } = await jwtVerify(token, keys, { issuer: broker.audience, audience, typ: "eat+jwt" });
  return payload;
}

function publicFile(
  name: string,
  options: "P-256" | "P-384",
): { readonly file: string; readonly pem: string } {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: options });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const file = join(disk, name);
  writeFileSync(file, pem);
  return { file, pem };
}

describe("ostiary agent token", () => {
  itInTmpfs("writes a token to standard output and its new key to tmpfs, mode 0600", async () => {
    const file = join(memory, "key.pem");
    const { status, out, err } = await run([STS, "--key-out", file]);
    expect(status, err).toBe(0);
    expect(err).toMatch(/^ostiary: a token for https:\/\/sts\.example, decision [0-9A-Z]{26}\n$/);
    const cnf = (await verified(out, STS))["cnf"];
    const own = await exportJWK(createPublicKey(createPrivateKey(readFileSync(file))));
    expect(cnf).toEqual({ jkt: await calculateJwkThumbprint(own) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  itInTmpfs(
    "gives the attestation result for the broker's own audience, good for a proof of the key",
    async () => {
      const [keyFile, file] = [join(memory, "attested.pem"), join(memory, "attested.jwt")];
      const words = [broker.audience, "--key-out", keyFile, "--out", file, "--json"];
      const { status, out } = await run(words);
      expect(status).toBe(0);
      const token = readFileSync(file, "utf8");
      const { jti } = await verified(token, broker.audience);
      expect(JSON.parse(out)).toEqual({ decision: jti, audience: broker.audience });
      const key = createPrivateKey(readFileSync(keyFile));
      const first = await introspected(token, key, undefined);
      const second = await introspected(token, key, first.headers.get("dpop-nonce") ?? "");
      expect(await second.json()).toMatchObject({ active: true, jti });
    },
  );

  itInTmpfs("renews by the token and key that it wrote, on the evidence of then", async () => {
    const [keyFile, file] = [join(memory, "held.pem"), join(memory, "held.jwt")];
    expect((await run([broker.audience, "--key-out", keyFile, "--out", file])).status).toBe(0);
    const own = await verified(readFileSync(file, "utf8"), broker.audience);
    const { status, out, err } = await run([STS, "--renew", file, "--key", keyFile]);
    expect(status, err).toBe(0);
    const { jti, cnf, ostiary } = await verified(out, STS);
    expect(jti).not.toBe(own.jti);
    expect([cnf, ostiary]).toEqual([
      own["cnf"],
      expect.objectContaining({ evidence: expect.objectContaining({ decision: own.jti }) }),
    ]);
  });

  it("binds to a key whose private half it never sees", async () => {
    for (const curve of ["P-256", "P-384"] as const) {
      const { file, pem } = publicFile(`${curve}.pem`, curve);
      const { status, out } = await run([STS, "--public-key", file]);
      expect(status).toBe(0);
      const jkt = await calculateJwkThumbprint(await exportJWK(createPublicKey(pem)));
      expect((await verified(out, STS))["cnf"]).toEqual({ jkt });
    }
  });

  it("writes no private key to a disk, and then no token either", async () => {
    const file = join(disk, "key.pem");
    const { status, out, err } = await run([STS, "--key-out", file]);
    expect({ status, out, isThere: existsSync(file) }).toEqual({ status: 3, out: "", isThere: false });
    expect(err).toContain("tmpfs");
  });

  it("takes no private key where a public one is expected", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const file = join(disk, "private.pem");
    writeFileSync(file, privateKey.export({ format: "pem", type: "pkcs8" }));
    const { status, err } = await run([STS, "--public-key", file]);
    expect({ status, code: /code: (\S+)/.exec(err)?.[1] }).toEqual({ status: 3, code: "config/invalid" });
  });

  it("ends an honest no with status 1, and no byte on standard output", async () => {
    const { status, out, err } = await run(["https://other.example", "--no-key"]);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/code: policy\/denied\n/);
  });

  const MISUSES: readonly (readonly string[])[] = [
    [STS],
    ["--no-key"],
    [STS, "--no-key", "--key-out", "/dev/shm/x"],
    [STS, "--no-key", "--version", "1"],
    [STS, "--renew", "own.jwt"],
    [STS, "--key", "key.pem"],
    [STS, "--renew", "own.jwt", "--key", "key.pem", "--no-key"],
    [STS, "--no-key", "--fd", "3", "--out", "/dev/shm/x"],
  ];
  it.each(MISUSES.map((words) => [words.join(" "), words] as const))("refuses `%s`", async (_name, words) => {
    expect((await run(words)).status).toBe(2);
  });
});

async function introspected(
  token: string,
  key: ReturnType<typeof createPrivateKey>,
  nonce: string | undefined,
): Promise<Response> {
  const jwk = await exportJWK(createPublicKey(key));
  const claims = {
    jti: randomUUID(),
    htm: "POST",
    htu: `${broker.audience}/v1/introspect`,
    iat: Math.floor(Date.now() / 1000),
    ath: createHash("sha256").update(token).digest("base64url"),
    nonce,
  };
  const proof = await new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk })
    .sign(key);
  return fetch(`${broker.url}/v1/introspect`, {
    method: "POST",
    headers: {
      authorization: `DPoP ${token}`,
      dpop: proof,
      "content-type": "application/x-www-form-urlencoded",
    },
    body: `token=${token}`,
  });
}
