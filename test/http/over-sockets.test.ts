import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAdminClient } from "../../src/client/admin.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { decodeChallenge } from "../../src/wire/challenge.ts";
import { codeOfPromise } from "../support/faults.ts";
import { AUDIENCE, brokerAtHand, random } from "./broker-at-hand.ts";

const broker = brokerAtHand();
let server: ReturnType<typeof serve>;
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server = serve({ fetch: broker.app.fetch, port: 0, hostname: "127.0.0.1" }, (address: AddressInfo) => {
      port = address.port;
      resolve();
    });
  });
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
});

/** Sends pieces with `Transfer-Encoding: chunked`; answers the status, or that the connection was cut. */
function sendChunked(path: string, pieces: number, piece: string): Promise<number | "cut"> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
    const sent = request({ port, path, method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", () => resolve("cut"));
    for (let i = 0; i < pieces; i += 1) sent.write(piece);
    sent.end();
  });
}

describe("a broker behind a real socket", () => {
  it("answers a challenge", async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/challenge`, {
      method: "POST",
      body: '{"binding":3}',
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(200);
    expect(decodeChallenge(new Uint8Array(await response.arrayBuffer())).nonce).toHaveLength(48);
  });

  it("takes a small body in pieces", async () => {
    expect(await sendChunked("/v1/challenge", 1, '{"binding":3}')).toBe(200);
  });

  it("refuses 300 KB in pieces and lives on", async () => {
    expect([413, "cut"]).toContain(await sendChunked("/v1/release", 30, " ".repeat(10_000)));
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });

  it("refuses a whole 300 KB body and lives on", async () => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/release`, {
      method: "POST",
      body: "x".repeat(300_000),
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(413);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });

  it("serves an admin whose requests name the audience and travel elsewhere", async () => {
    const admin = createAdminClient({
      url: `http://127.0.0.1:${port}`,
      audience: AUDIENCE,
      signer: broker.adminSigner,
      fetch,
      now: broker.world.now,
      random,
      digest: nodePrimitives.digest,
    });
    expect(await admin.listSecrets()).toEqual([]);
    expect(
      (await admin.putSecret("prod/disk", { kind: "generated", make: { name: "bytes", size: 32 } })).version,
    ).toBe(1);
  });
});

describe("a client", () => {
  const client = (send: typeof fetch) =>
    createAdminClient({
      url: AUDIENCE,
      audience: AUDIENCE,
      signer: broker.adminSigner,
      fetch: send,
      now: broker.world.now,
      random,
      digest: nodePrimitives.digest,
    });

  const answers: readonly (readonly [string, () => Promise<Response>])[] = [
    ["nobody", async () => Promise.reject(new TypeError("fetch failed"))],
    ["a page for people", async () => new Response("<html>", { status: 200 })],
    ["a page for people, as an error", async () => new Response("<html>", { status: 502 })],
    ["another program's JSON", async () => new Response('{"ok":true}')],
    ["nothing", async () => new Response(null)],
    [
      "an answer without end",
      async () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
          }),
        ),
    ],
    [
      "an answer that breaks off",
      async () =>
        new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) })),
    ],
  ];
  it.each(answers)(
    "says that the broker cannot be reached where the answer is by %s",
    async (_name, answer) => {
      expect(await codeOfPromise(client(answer).listSecrets())).toBe("broker/unreachable");
    },
  );

  const unsendable: readonly (readonly [string, (admin: ReturnType<typeof client>) => Promise<unknown>])[] = [
    ["a path with a query in it", (admin) => admin.showSecret("a?b")],
    ["a path that climbs", (admin) => admin.showSecret("../policies")],
    ["a digest that is a path", (admin) => admin.showBundle("../secrets")],
    ["an id that is a path", (admin) => admin.decision("../secrets")],
  ];
  it.each(unsendable)("sends nothing for %s", async (_name, call) => {
    const nobody = client(async () => Promise.reject(new TypeError("nothing may be sent")));
    expect(await codeOfPromise(call(nobody))).toBe("request/malformed");
  });
});
