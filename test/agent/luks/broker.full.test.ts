/** A volume's whole life by the command line, against a real broker: a grant that two guests want, another key, a count, an old image. */
import { spawn } from "node:child_process";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { isZero, utf8 } from "../../../src/base/bytes.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, random } from "../demo-broker.ts";
import { blankDisk, folderIn, itWithCryptsetup, opensBy } from "./real-disk.ts";

const MEASUREMENT = "02".repeat(48);
const policyOf = (name: string, resources: string, body: string): string => `
policy ${name} {
  for resource ${resources}
  platform bare-metal
  require measurement == hex"${MEASUREMENT}"
  ${body}
}
`;
const POLICY = `writ 1
module acme.disks version 1.0.0 { owner "ops@acme.example" }
${policyOf("disk", '"prod/*/disk", "attest"', "allow when request.op == release\n  on release { key_version any }")}
${policyOf("format", '"prod/*/disk/format"', "allow when request.op == release\n  on release { max_releases 1 per request.resource within 30d }")}
${policyOf("epoch", '"prod/*/disk/epoch"', "allow when request.op in [release, write]")}
`;

const PATH = "prod/db1/disk";
const key = random(32);
const place = folderIn();
let broker: DemoBroker;

beforeAll(async () => {
  const grant = utf8(JSON.stringify({ format: PATH, over: "blank" }));
  broker = await demoBroker({ [PATH]: key, [`${PATH}/format`]: grant });
  await broker.decideBy(POLICY);
}, 60_000);

afterAll(async () => {
  await broker.remove();
  place.remove();
});

function agent(verb: string, device: string, ...more: readonly string[]) {
  const words = [CLI, "agent", verb, "--device", device, "--secret", PATH, ...more, ...asGuest(broker)];
  return new Promise<{ status: number | null; err: string }>((done) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    let err = "";
    child.stderr.on("data", (piece) => {
      err += String(piece);
    });
    child.once("close", (status) => done({ status, err }));
  });
}

describe("a volume and its broker", () => {
  const [one, two] = [join(place.path, "one"), join(place.path, "two")];

  itWithCryptsetup(
    "of two guests with one grant, one makes its volume, and the other's disk stays as it was",
    async () => {
      const words = ["--test-passphrase", "--format-on-grant"];
      const both = await Promise.all([one, two].map((disk) => agent("unlock", blankDisk(disk), ...words)));
      expect(both.map(({ status }) => status).sort()).toEqual([0, 1]);
      const [made, left] = both[0]?.status === 0 ? [one, two] : [two, one];
      expect(both.find(({ status }) => status === 1)?.err).toContain("code: policy/denied");
      expect([opensBy(made, key), isZero(readFileSync(left))]).toEqual([true, true]);
      const again = await agent("unlock", blankDisk(left), ...words);
      expect([again.status, again.err]).toEqual([1, expect.stringContaining("code: policy/denied")]);
      copyFileSync(made, one);
    },
  );

  itWithCryptsetup("gets the next version, is counted, and is refused as an older image", async () => {
    await broker.admin.putSecret(PATH, { kind: "static", plaintext: random(32) });
    expect(await agent("rekey", one)).toMatchObject({ status: 0 });
    expect(opensBy(one, key)).toBe(false);
    copyFileSync(one, two);
    const open = (disk: string) => agent("unlock", disk, "--test-passphrase", "--epoch");
    expect((await open(one)).err).toContain("epoch 1)");
    expect((await open(one)).err).toContain("epoch 2)");
    const old = await open(two);
    expect([old.status, old.err]).toEqual([1, expect.stringContaining("code: disk/rolled-back")]);
    const uncounted = await agent("unlock", one, "--test-passphrase");
    expect([uncounted.status, uncounted.err]).toEqual([1, expect.stringContaining("code: disk/counted")]);
  });
});
