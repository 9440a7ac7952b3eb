/** How fast is the use of a key that never leaves? Decrypts by one guest's token, each request made beforehand with its own proof. */
import { join } from "node:path";
import { createAdminClient } from "../src/client/admin.ts";
import type { Answer, Sending } from "../src/client/bounded-fetch.ts";
import { type TransitUse, useTransitKey } from "../src/client/transit.ts";
import { createTransitClient } from "../src/client/transit-client.ts";
import { madeOf } from "../src/client/transit-made.ts";
import { connect } from "../src/runtime/node/client.ts";
import { systemNow, systemRandom } from "../src/runtime/node/clock.ts";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import { makeGuestSigner } from "../src/runtime/node/guest-key.ts";
import { nodePrimitives } from "../src/runtime/node/primitives.ts";
import { createSimulatorProvider } from "../src/runtime/node/simulator-provider.ts";
import { type Result, runAll } from "./measure.ts";
import { cpuSecondsOf, startServe } from "./served.ts";

const PATH = "demo/bench/transit";
const WARM = 50;
/** A row of a database. */
const PLAINTEXT_BYTES = 64;

export interface TransitPlan {
  readonly count: number;
  readonly concurrency: number;
}

/** Over HTTP as releases are measured, but that `fetch` keeps the connections. */
export async function benchTransit(demo: DemoFolder, { count, concurrency }: TransitPlan): Promise<Result> {
  const broker = await startServe(demo);
  try {
    await putKey(demo, broker.url);
    const requests = await prepared(demo, broker.url, count + WARM);
    const jobs = requests.map(({ path, init }) => async () => {
      const answer = await fetch(`${broker.url}${path}`, init);
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`a use answered ${answer.status}: ${text}`);
    });
    await runAll(jobs.slice(0, WARM), concurrency);
    const before = cpuSecondsOf(broker.pid);
    const measured = await runAll(jobs.slice(WARM), concurrency);
    return { ...measured, cpuSeconds: cpuSecondsOf(broker.pid) - before };
  } finally {
    await broker.stop();
  }
}

async function putKey({ audience, admin: signer }: DemoFolder, url: string): Promise<void> {
  const { digest } = nodePrimitives;
  const parts = { fetch, now: systemNow, random: systemRandom, digest };
  const admin = createAdminClient({ url, audience, signer, ...parts });
  await admin.putSecret(PATH, { kind: "transit", type: "aes-256-gcm" });
}

interface Prepared {
  readonly path: string;
  readonly init: RequestInit;
}

/** The client's own requests, caught on their way. Each carries the broker's nonce, which one of them was told. */
async function prepared(demo: DemoFolder, url: string, count: number): Promise<readonly Prepared[]> {
  const { audience, signingKey } = demo;
  const provider = createSimulatorProvider(join(demo.folder, "simulated-machine"));
  const session = await connect({ url, audience, signingKey, provider });
  const broker = { audience, suite: 1, signingKey } as const;
  const key = makeGuestSigner();
  const parts = { now: systemNow, random: systemRandom, primitives: nodePrimitives };
  const transit = createTransitClient({ session, broker, key }, parts);
  const made = madeOf(await transit.encrypt(PATH, systemRandom(PLAINTEXT_BYTES)));
  const { token } = await session.attest(key.jwk);
  const item = { operation: "decrypt", made, context: new Uint8Array(0) } as const;
  const use: TransitUse = { path: PATH, items: [item], token };
  let nonce: string | null = null;
  const ask = async (path: string, init?: Sending): Promise<Answer> => {
    const answer = await session.fetch(path, init);
    nonce = answer.headers.get("dpop-nonce") ?? nonce;
    return answer;
  };
  await useTransitKey(use, { session: { broker: undefined, fetch: ask }, broker, key }, parts);
  const caught: Prepared[] = [];
  for (let i = 0; i < count; i += 1) {
    const fetchNone = async (path: string, init: Sending = {}): Promise<Response> => {
      caught.push({ path, init });
      return new Response("", { status: 401, headers: { "dpop-nonce": nonce ?? "" } });
    };
    const place = { session: { broker: undefined, fetch: fetchNone }, broker, key };
    await useTransitKey(use, place, parts).catch(() => undefined); // in order; the second of its two requests has the nonce
  }
  session.close();
  return caught.filter((_, i) => i % 2 === 1);
}
