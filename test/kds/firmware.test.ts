/** Is Google asked as seldom as can be, and does nobody wait for what it does not say? A local bucket that answers as it is told. */
import { describe, expect, it } from "vitest";
import { hexOf } from "../../src/base/bytes.ts";
import { addSeconds } from "../../src/base/time.ts";
import { createFirmwareSource } from "../../src/kds/firmware.ts";
import { localServer } from "../support/local-server.ts";
import { endorsementOf, FOUR_VMSAS } from "../support/provider.ts";
import { SIMULATED_NOW } from "../support/simulated.ts";

const ENDORSEMENT = endorsementOf();

interface Bucket {
  status: number;
  body: Uint8Array<ArrayBufferLike>;
}

async function bucketOf(bucket: Bucket) {
  const asked: string[] = [];
  const lines: string[] = [];
  let now = SIMULATED_NOW;
  const { url } = await localServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(bucket.status).end(bucket.body);
  });
  const find = createFirmwareSource({
    baseUrl: url,
    fetch,
    sleep: async () => {},
    random: () => 0.5,
    timeoutMs: 1000,
    now: () => now,
    log: (_level, event) => void lines.push(event),
  });
  const pass = (seconds: number): void => {
    now = addSeconds(now, seconds);
  };
  return { find, asked, lines, pass };
}

describe("an endorsement that the host did not bring", () => {
  it("is looked for under its MEASUREMENT, by many at once in one request, and kept for a day", async () => {
    const { find, asked, pass } = await bucketOf({ status: 200, body: ENDORSEMENT });
    expect(await Promise.all([find(FOUR_VMSAS), find(FOUR_VMSAS)])).toEqual([ENDORSEMENT, ENDORSEMENT]);
    pass(86_399);
    await find(FOUR_VMSAS);
    expect(asked).toEqual([`/ovmf_x64_csm/sevsnp/${hexOf(FOUR_VMSAS)}.binarypb`]);
    pass(1);
    await find(FOUR_VMSAS);
    expect(asked).toHaveLength(2);
  });

  it("is absent where there is none, and looked for again after ten minutes", async () => {
    const bucket: Bucket = { status: 404, body: new Uint8Array(0) };
    const { find, asked, lines, pass } = await bucketOf(bucket);
    expect([await find(FOUR_VMSAS), await find(FOUR_VMSAS)]).toEqual([undefined, undefined]);
    expect([asked.length, lines]).toEqual([1, []]);
    bucket.status = 200;
    bucket.body = ENDORSEMENT;
    pass(600);
    expect(await find(FOUR_VMSAS)).toEqual(ENDORSEMENT);
  });

  it.each<[string, Bucket]>([
    ["somebody else's page", { status: 200, body: Buffer.from("<html></html>") }],
    ["an endorsement of another firmware", { status: 200, body: endorsementOf({ measurements: {} }) }],
    ["an error", { status: 500, body: new Uint8Array(0) }],
    ["more than anybody would", { status: 200, body: new Uint8Array(70_000) }],
  ])("is absent where the answer is %s, and the log says so", async (_name, bucket) => {
    const { find, lines, asked, pass } = await bucketOf(bucket);
    expect(await find(FOUR_VMSAS)).toBeUndefined();
    expect(lines).toEqual(["no-firmware-endorsement"]);
    const before = asked.length;
    await find(FOUR_VMSAS);
    expect(asked).toHaveLength(before);
    pass(30);
    await find(FOUR_VMSAS);
    expect(asked.length).toBeGreaterThan(before);
  });

  it("keeps at most four requests under way, whatever guests come", async () => {
    const { find, asked } = await bucketOf({ status: 404, body: new Uint8Array(0) });
    await Promise.all(Array.from({ length: 9 }, (_, i) => find(new Uint8Array(48).fill(i))));
    expect(asked).toHaveLength(4);
  });
});
