/** How fast is a release by the KBS protocol? Its three requests, each attestation made beforehand, beside one of our own over the same HTTP. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { createAdminClient } from "../src/client/admin.ts";
import { systemNow, systemRandom } from "../src/runtime/node/clock.ts";
import { type DemoFolder, makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import { endorsementsOf } from "../src/simulator/chip-folder.ts";
import { namedReport, serdeText } from "../test/support/sev-crate-json.ts";
import { type Result, runAll } from "./measure.ts";
import { cpuSecondsOf, startServe } from "./served.ts";

const PATH = "bench/kbs/key";
const WARM = 50;
const POLICY = `writ 1
module demo.kbs version 1.0.0 { owner "platform@demo.example" }
import "refs/demo.writ" { demo_images }
policy kbs "Containers of the bench" {
  for resource "bench/kbs/*", "attest"
  platform bare-metal
  require measurement in demo_images
  require none { guest.debug, guest.migrate_ma }
  require request.channel == kbs
  allow "bench" when request.op == release
  on release { token_ttl 5m }
}
`;

export interface KbsPlan {
  readonly count: number;
  readonly concurrency: number;
}

/** In a folder of its own, made for it. */
export async function benchKbs(folder: string, { count, concurrency }: KbsPlan): Promise<Result> {
  const demo = await makeDemoFolder(folder, {
    isUnlimited: true,
    moreSources: [{ path: "kbs.writ", text: POLICY }],
  });
  await appendFile(demo.configPath, "\n[kbs]\n");
  const broker = await startServe(demo);
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
  try {
    await putKey(demo, broker.url);
    const prepared: Prepared[] = [];
    for (let i = 0; i < count + WARM; i += 1) prepared.push(await prepare(demo, { agent, url: broker.url })); // in order: not measured
    const jobs = prepared.map((one) => () => released(one, { agent, url: broker.url }));
    await runAll(jobs.slice(0, WARM), concurrency);
    const before = cpuSecondsOf(broker.pid);
    const measured = await runAll(jobs.slice(WARM), concurrency);
    return { ...measured, cpuSeconds: cpuSecondsOf(broker.pid) - before };
  } finally {
    agent.destroy();
    await broker.stop();
  }
}

async function putKey({ audience, admin: signer }: DemoFolder, url: string): Promise<void> {
  const { digest } = nodePrimitives;
  const parts = { fetch, now: systemNow, random: systemRandom, digest };
  const admin = createAdminClient({ url, audience, signer, ...parts });
  await admin.putSecret(PATH, { kind: "generated", make: { name: "bytes", size: 32 } });
}

interface Where {
  readonly agent: Agent;
  readonly url: string;
}

interface Prepared {
  readonly cookie: string;
  readonly body: string;
}

const AUTH = '{"version":"0.4.0","tee":"snp","extra-params":{}}';

/** A session, and the attestation of it. */
async function prepare({ machine }: DemoFolder, where: Where): Promise<Prepared> {
  const { text, cookie } = await send("POST", "/kbs/v0/auth", { ...where, body: AUTH });
  const { nonce }: { nonce: string } = JSON.parse(text);
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const jwk = { alg: "ECDH-ES+A256KW", crv: "P-256", kty: "EC", x, y }; // in order of name, as it is hashed
  const hashed = JSON.stringify({ "additional-evidence": "", nonce, "tee-pubkey": jwk });
  const reportData = new Uint8Array(64);
  reportData.set(createHash("sha384").update(hashed).digest());
  const { root, chip } = machine;
  const [leaf, ...rest] = endorsementsOf(root, chip, systemNow());
  const chain = [leaf ?? new Uint8Array(0), ...rest].map((der, i) => ({
    cert_type: ["VCEK", "ASK", "ARK", "CRL"][i] ?? "ASK",
    data: [...der],
  }));
  const body = serdeText({
    "init-data": null,
    "runtime-data": { nonce, "tee-pubkey": jwk },
    "tee-evidence": {
      primary_evidence: { attestation_report: namedReport(chip.report({ reportData })), cert_chain: chain },
      additional_evidence: "",
    },
  });
  return { cookie, body };
}

/** What a guest costs the broker: a session of its own, though the attestation is over one that was opened before. */
async function released({ cookie, body }: Prepared, where: Where): Promise<void> {
  await send("POST", "/kbs/v0/auth", { ...where, body: AUTH });
  await send("POST", "/kbs/v0/attest", { ...where, body, cookie });
  await send("GET", `/kbs/v0/resource/${PATH}`, { ...where, cookie });
}

interface Sent extends Where {
  readonly body?: string;
  readonly cookie?: string;
}

function send(
  method: string,
  path: string,
  { agent, url, body = "", cookie = "" }: Sent,
): Promise<{ readonly text: string; readonly cookie: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...(body === ""
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      ...(cookie === "" ? {} : { cookie }),
    };
    const sent = request(`${url}${path}`, { method, agent, headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        const [set = ""] = answer.headers["set-cookie"] ?? [];
        if (answer.statusCode === 200) resolve({ text, cookie: set.split(";", 1).join("") });
        else reject(new Error(`${path} answered ${answer.statusCode}: ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
