/** Where is a chip's id, when the broker is to keep none? Nowhere: every file, line and answer of a whole day is searched for it, in every writing. */
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { chipIdsUnder } from "../../src/keys/chip-ids.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { endorsementsOf, loadOrCreateMachine, pemOf } from "../../src/simulator/chip-folder.ts";
import { asGuest, CLI, type DemoBroker, demoBroker, type Program } from "../agent/demo-broker.ts";

const [SECRET, LIMITED] = ["prod/hidden/key", "limited/hidden/key"];
const CHIP = Buffer.alloc(64, 3);
const SALT = "5a".repeat(32);
const chipIds = chipIdsUnder(Buffer.from(SALT, "hex"), nodePrimitives);

let broker: DemoBroker;
let data: string;
let place: string;
const config = (): string => join(data, DATA_FILES.config);
const ostiary = (...words: readonly string[]) =>
  spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 60_000 });
const asAdmin = (...words: readonly string[]) => ostiary(...words, "--config", config());

beforeAll(async () => {
  const bytes = new Uint8Array(32).fill(7);
  broker = await demoBroker({ [SECRET]: bytes, [LIMITED]: bytes }, prepared, (folder) =>
    heardProgram(folder),
  );
  await broker.admin.addAudience("sts", { aud: "https://sts.example", isBearer: true });
}, 120_000);

afterAll(() => broker.remove());

function prepared(folder: string): void {
  data = folder;
  place = join(folder, "../beside");
  mkdirSync(place);
  writeFileSync(join(folder, "salt"), `${SALT}\n`);
  const said = `
[ledger]
salt_file = "salt"
salt_chip_ids = true
readers = "anyone"

[[audit]]
name = "file"
kind = "file"
path = "../beside/audit.jsonl"
from = "beginning"
`;
  const path = join(folder, DATA_FILES.config);
  const text = readFileSync(path, "utf8").replace("[rates]", `${said}\n[rates]`);
  writeFileSync(path, `log_level = "debug"\n${text}`);
}

/** `ostiary serve`, whose every word is kept. */
function heardProgram(folder: string): Program {
  let child: ReturnType<typeof spawn> | undefined;
  return {
    start: () =>
      new Promise((ready, failed) => {
        child = spawn(process.execPath, [CLI, "serve", "--data", folder]);
        child.once("exit", () => failed(new Error(readFileSync(join(place, "log"), "utf8"))));
        for (const stream of [child.stdout, child.stderr]) {
          stream?.on("data", (piece) => {
            appendFileSync(join(place, "log"), piece);
            if (String(piece).includes("serving")) ready();
          });
        }
      }),
    kill: async () => {
      const ended = new Promise((done) => child?.once("exit", done));
      child?.kill("SIGKILL");
      await ended;
    },
  };
}

/** What a day brings: chips known to the broker, releases, refusals, tokens, renewals, counters, scans, a restart. */
async function aDay(): Promise<void> {
  const { root, chip } = loadOrCreateMachine(broker.machine, "genoa");
  expect(chipIn(Buffer.from(chip.leaf))).toBe(true);
  const ders = endorsementsOf(root, chip, Math.floor(Date.now() / 1000) as never).map(pemOf);
  const pem = ders.map((text, i) => (i < 3 ? text : text.replaceAll("CERTIFICATE", "X509 CRL"))).join("");
  expect(await broker.admin.importEndorsements(pem)).toMatchObject({ chips: 1 });
  const get = (path: string, ...more: readonly string[]) =>
    ostiary(
      "agent",
      "get",
      path,
      "--fd",
      "1",
      "--format",
      "hex",
      "--deadline",
      "1",
      ...asGuest(broker),
      ...more,
    );
  expect(get(SECRET, "--receipt", join(place, "receipt")).status).toBe(0);
  expect(get(LIMITED).status).toBe(0);
  expect(get("prod/absent/key").status).not.toBe(0);
  expect(get("nobody/may/key").status).not.toBe(0);
  const memory = mkdtempSync("/dev/shm/ostiary-hidden-");
  onTestFinished(() => rmSync(memory, { recursive: true, force: true }));
  const [key, token] = [join(memory, "key"), join(memory, "token")];
  const own = ["agent", "token", broker.audience, ...asGuest(broker), "--out"];
  expect(ostiary(...own, token, "--key-out", key)).toMatchObject({ status: 0 });
  expect(ostiary(...own, `${token}-2`, "--renew", token, "--key", key)).toMatchObject({ status: 0 });
  await broker.kill();
  await broker.start();
  expect(get(SECRET).status).toBe(0);
}

function backedUp(): number | null {
  const key = join(place, "backup.key");
  ostiary("backup", "--make-key", key);
  return asAdmin("backup", join(place, "backup"), "--to", `${key}.pub`).status;
}

/** Raw, in hex of either case, and in both base64s at each of three places. */
function writingsOf(bytes: Buffer): readonly Buffer[] {
  const texts = [bytes.toString("hex"), bytes.toString("hex").toUpperCase()];
  for (let at = 0; at < 3; at += 1) {
    const whole = bytes.subarray(at, at + 48);
    texts.push(whole.toString("base64"), whole.toString("base64url"));
  }
  return [bytes, ...texts.map((text) => Buffer.from(text))];
}

/** Half of an id is one too: eight bytes are all that some processors have. */
const WRITINGS = [CHIP, CHIP.subarray(0, 16)].flatMap(writingsOf);

const chipIn = (bytes: Buffer): boolean => WRITINGS.some((writing) => bytes.includes(writing));

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name));
}

describe("a broker that hides chips", () => {
  it("has no chip's id in its database, backup, ledger, events, log, metrics or answers to admins", async () => {
    await aDay();
    const answers: Record<string, string> = {};
    for (const words of [
      "findings scan",
      "findings list --format json",
      "fleet list --json",
      "credentials list --json",
      "decision export",
      "ledger export",
      "ledger export --from 1",
    ]) {
      const { status, stdout, stderr } = asAdmin(...words.split(" ")); // in order: a scan comes first
      expect([words, status, stderr]).not.toEqual([words, 2, stderr]);
      answers[words] = stdout;
    }
    for (const path of ["/metrics", "/v1/health"])
      answers[path] = await (await fetch(`${broker.url}${path}`)).text();
    expect(answers["fleet list --json"]).toContain(chipIds.hide(CHIP.toString("hex")));
    expect(answers["decision export"]).toContain(chipIds.hide(CHIP.toString("hex")));
    expect(answers["credentials list --json"]).toContain(chipIds.hide(CHIP.toString("hex")).slice(0, 32));
    expect(backedUp()).toBe(0);
    await sleep(1500); // the sink is told within a second
    const files = [...filesIn(data), ...filesIn(place)];
    for (const name of [DATA_FILES.database, "audit.jsonl", "log", "backup", "receipt"]) {
      expect(
        files.some((path) => path.includes(name)),
        name,
      ).toBe(true);
    }
    expect(files.filter((path) => chipIn(readFileSync(path)))).toEqual([]);
    expect(Object.keys(answers).filter((name) => chipIn(Buffer.from(answers[name] ?? "")))).toEqual([]);
  }, 180_000);

  it("judges its decisions again by policies that name the chip, and tells whoever has the salt which one it was", async () => {
    const named = `writ 1
module acme.agent version 2.0.0 { owner "ops@acme.example" }
policy all {
  for resource "**"
  platform bare-metal
  require has report.chip_id and report.chip_id == hex"${CHIP.toString("hex")}"
  allow "boot" when request.op in [release, unwrap]
  on release { key_version any }
}
`;
    const [policy, log] = [join(place, "named.writ"), join(place, "decisions.ndjson")];
    writeFileSync(policy, named);
    writeFileSync(log, asAdmin("decision", "export").stdout);
    const replay = (...more: readonly string[]) =>
      JSON.parse(ostiary("writ", "test", "--replay", log, policy, "--json", ...more).stdout);
    const salted = replay("--salt", join(data, "salt"));
    expect(salted).toMatchObject({ lost: 0, tampered: 0 });
    expect(salted.alike).toBeGreaterThan(2);
    expect(replay()).toMatchObject({ alike: 0, tampered: 0 });
    const name = chipIds.hide(CHIP.toString("hex"));
    const shown = ostiary("ledger", "reveal", name, "--salt", join(data, "salt"), "--json");
    expect(JSON.parse(shown.stdout)).toEqual({ chip: CHIP.toString("hex"), pseudonym: name });
    expect(asAdmin("store", "check").status).toBe(0);
  }, 120_000);
});
