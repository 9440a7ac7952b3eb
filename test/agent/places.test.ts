import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasPython, loadCredential } from "../support/systemd-credential.ts";
import { type Daemon, daemonFolder, guestFile, startDaemon } from "./daemon.ts";
import { type DemoBroker, demoBroker, random } from "./demo-broker.ts";

const DISK = random(32);
const WORDS = new TextEncoder().encode('{"user":"app","password":"planted-one"}');

let broker: DemoBroker;
let folder: ReturnType<typeof daemonFolder>;
let daemon: Daemon;

/** Every place that the daemon has for one consumer, in one process: starting one is what takes the time. */
const CONFIG = `[serve]
health = "FOLDER/health.sock"
[[credential]]
socket = "FOLDER/disk.sock"
secret = "prod/disk"
[[credential]]
socket = "FOLDER/words.sock"
secret = "prod/words"
format = "json:password"
mode = "0660"
[[credential]]
socket = "FOLDER/refused.sock"
secret = "lab/none"
[[file]]
path = "FOLDER/app.conf"
template = "user={{ secret \\"prod/words\\" \\"json:user\\" }} password={{ secret \\"prod/words\\" \\"json:password\\" }}\\n"
mode = "0640"
owner = "root"
group = "daemon"
refresh = "1s"
on_change = { command = ["/bin/sh", "-c", "echo changed >> FOLDER/changes"] }
[[file]]
path = "FOLDER/disk.key"
secret = "prod/disk"
refresh = "never"
`;

beforeAll(async () => {
  broker = await demoBroker({ "prod/disk": DISK, "prod/words": WORDS });
  folder = daemonFolder(`${guestFile(broker)}${CONFIG}`);
  writeFileSync(join(folder.folder, ".app.conf.0123456789abcdef.part"), "left by one that was killed");
  daemon = startDaemon(folder.file);
  await daemon.says('"ready"');
}, 60_000);

afterAll(async () => {
  daemon.child.kill("SIGKILL");
  await daemon.ended;
  folder.remove();
  await broker.remove();
});

const at = (name: string): string => join(folder.folder, name);

function ask(
  path: string,
  method = "GET",
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((done, failed) => {
    const asked = request({ socketPath: at("health.sock"), path, method }, (answer) => {
      let body = "";
      answer.on("data", (piece) => {
        body += String(piece);
      });
      answer.once("end", () => done({ status: answer.statusCode, body }));
    });
    asked.once("error", failed);
    asked.end();
  });
}

describe("a credential's socket", () => {
  it.skipIf(!hasPython)("gives systemd the bytes, in the form that was asked for, and nothing else", () => {
    expect(loadCredential(at("disk.sock"), "app.service", "disk")).toEqual(DISK);
    const password = loadCredential(at("words.sock"), "app.service", "password");
    expect(new TextDecoder().decode(password)).toBe("planted-one");
  });

  it.skipIf(!hasPython)(
    "gives not one byte where the broker refuses, and says in the log under which id",
    async () => {
      expect(loadCredential(at("refused.sock"), "app.service", "none")).toEqual(new Uint8Array(0));
      await daemon.says("credential-refused");
      expect(daemon.log()).toMatch(/"credential-refused".*"code":"policy\/denied","decision":"[0-9A-Z]{26}"/);
    },
  );

  it("is for whom the file says, and for nobody else", () => {
    const modes = ["disk.sock", "words.sock", "health.sock"].map((name) => statSync(at(name)).mode & 0o777);
    expect(modes).toEqual([0o600, 0o660, 0o660]);
  });

  it("serves others while some connect and do nothing, leave at once, or send what nobody asked for", async () => {
    const idle = Array.from({ length: 20 }, () => connect(at("disk.sock")));
    const noisy = Array.from({ length: 10 }, () =>
      connect(at("disk.sock"), function (this: ReturnType<typeof connect>) {
        this.write(Buffer.alloc(100_000));
      }),
    );
    const gone = Array.from({ length: 20 }, () => connect(at("disk.sock")).destroy());
    for (const client of [...idle, ...noisy, ...gone]) client.on("error", () => undefined);
    const read = await new Promise<Buffer>((done) => {
      const pieces: Buffer[] = [];
      connect(at("disk.sock"))
        .on("data", (piece) => void pieces.push(piece))
        .once("end", () => done(Buffer.concat(pieces)));
    });
    for (const client of [...idle, ...noisy]) client.destroy();
    expect(Uint8Array.from(read)).toEqual(DISK);
  });
});

describe("a file", () => {
  it("is rendered whole, for its owner, before the daemon is ready", () => {
    expect(readFileSync(at("app.conf"), "utf8")).toBe("user=app password=planted-one\n");
    expect(Uint8Array.from(readFileSync(at("disk.key")))).toEqual(DISK);
    const { mode, uid, gid } = statSync(at("app.conf"));
    expect([mode & 0o777, uid, gid]).toEqual([0o640, 0, 1]);
    expect(statSync(at("disk.key")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.folder).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  it("is another when the secret is, and then its command runs", async () => {
    const plaintext = new TextEncoder().encode('{"user":"app","password":"planted-two"}');
    await broker.admin.putSecret("prod/words", { kind: "static", plaintext });
    await daemon.says('"file-replaced"');
    expect(readFileSync(at("app.conf"), "utf8")).toBe("user=app password=planted-two\n");
    while (!existsSync(at("changes"))) await new Promise((next) => setTimeout(next, 20));
    expect(readFileSync(at("changes"), "utf8")).toBe("changed\n");
  });
});

describe("what the daemon says of itself", () => {
  it("is its state, and no path of a secret", async () => {
    const { status, body } = await ask("/health");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      status: "ok",
      doors: { credential: 3, files: 1, health: 1 },
      files: { current: 2, stale: 0, waiting: 0 },
      reports: expect.any(Number),
      renewals: { secrets: expect.any(Number), token: 0 },
    });
    expect(JSON.parse(body).renewals.secrets).toBeGreaterThan(JSON.parse(body).reports);
    const metrics = (await ask("/metrics")).body;
    expect(metrics).toMatch(/^ostiary_agent_ready 1$/m);
    expect(metrics).toMatch(/^ostiary_agent_reports_total \d+$/m);
    expect(metrics).toMatch(/^ostiary_agent_renewals_total\{what="secrets"\} \d+$/m);
    expect(metrics).toMatch(/^ostiary_agent_reads_total\{outcome="released"\} \d+$/m);
    expect(metrics).toMatch(/^ostiary_agent_reads_total\{outcome="refused",code="policy\/denied"\} 1$/m);
    expect(body + metrics + daemon.log()).not.toMatch(/prod\/|lab\/|planted/);
    expect((await ask("/secrets")).status).toBe(404);
    expect((await ask("/health", "POST")).status).toBe(405);
  });
});

describe("an orderly end", () => {
  it("leaves neither a socket nor a file of a secret", async () => {
    daemon.child.kill("SIGTERM");
    expect(await daemon.ended).toBe(0);
    expect(readdirSync(folder.folder).sort()).toEqual(["agent.toml", "changes"]);
  });
});
