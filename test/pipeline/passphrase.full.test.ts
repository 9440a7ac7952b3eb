/** Does PostgreSQL open its TLS key by a passphrase that an attested guest alone is given? The real server, the stock agent, a broker. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { asGuest, CLI, type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";
import { describeWithPostgres, postgresProgram } from "../support/postgres.ts";

const PATH = "prod/postgres/tls";
const NOBODY = 65_534;
const asNobody = process.geteuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
const PASSPHRASE = Buffer.from(SECRET).toString("hex");
const CLOSED = `writ 1
module acme.agent version 2.0.0 { owner "ops@acme.example" }
policy closed { for resource "prod/**" platform bare-metal require measurement == hex"${"03".repeat(48)}" allow "x" when request.op == release }
`;
const OPEN = CLOSED.replace("03".repeat(48), "02".repeat(48));

describeWithPostgres("PostgreSQL with ssl_passphrase_command", () => {
  let broker: DemoBroker;
  let folder: string;
  let port: number;
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    broker = await demoBroker({ [PATH]: SECRET });
    await broker.decideBy(OPEN);
    readable(broker);
    port = await freePort();
    folder = mkdtempSync(join(tmpdir(), "ostiary-pg-tls-"));
    if (asNobody.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
    run(postgresProgram("initdb"), ["-D", join(folder, "data"), "-U", "ostiary", "-A", "trust", "--no-sync"]);
    makeCertificate("first");
  }, 60_000);

  afterEach(async () => {
    if (server?.exitCode === null) {
      const ended = new Promise((done) => server?.once("exit", done));
      server.kill("SIGQUIT");
      await ended;
    }
    server = undefined;
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await broker.remove();
  });

  /** The server runs as somebody else than this test: what the agent reads there has to be readable for that user. */
  function readable({ signingKeyFile, machine }: DemoBroker): void {
    for (const path of [dirname(dirname(signingKeyFile)), dirname(signingKeyFile), machine])
      chmodSync(path, 0o755);
    for (const name of readdirSync(machine)) chmodSync(join(machine, name), 0o644);
    chmodSync(signingKeyFile, 0o644);
    if (asNobody.uid !== undefined) chownSync(machine, NOBODY, NOBODY);
  }

  function run(program: string, words: readonly string[], input = ""): string {
    const { status, stdout, stderr } = spawnSync(program, words, {
      ...asNobody,
      cwd: folder,
      encoding: "utf8",
      input,
    });
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** A key that lies encrypted under what the agent prints, and a certificate that a client verifies. */
  function makeCertificate(name: string): void {
    const data = join(folder, "data");
    const [key, certificate] = [join(data, "server.key"), join(data, "server.crt")];
    run(
      "openssl",
      [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-aes-256-cbc",
        "-pass",
        "stdin",
        "-out",
        key,
      ],
      PASSPHRASE,
    );
    run(
      "openssl",
      [
        "req",
        "-x509",
        "-key",
        key,
        "-passin",
        "stdin",
        "-subj",
        `/CN=${name}`,
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-days",
        "2",
        "-out",
        certificate,
      ],
      PASSPHRASE,
    );
    chmodSync(key, 0o600);
    expect(readFileSync(key, "utf8")).toContain("ENCRYPTED");
  }

  const settings = (): readonly string[] => {
    const words = [
      process.execPath,
      CLI,
      "agent",
      "get",
      PATH,
      "--fd",
      "1",
      "--format",
      "hex",
      "--deadline",
      "5",
      ...asGuest(broker),
    ];
    return [
      "listen_addresses=127.0.0.1",
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      "fsync=off",
      "ssl=on",
      `ssl_passphrase_command=${words.join(" ")}`,
      "ssl_passphrase_command_supports_reload=on",
    ];
  };

  /** `true` once it answers over TLS; `false` where it ended. */
  async function start(): Promise<boolean> {
    const logFile = join(folder, "log");
    const words = ["-D", join(folder, "data"), ...settings().flatMap((one) => ["-c", one])];
    const child = spawn(
      "/bin/sh",
      ["-c", 'exec "$0" "$@" >>"$LOG" 2>&1', postgresProgram("postgres"), ...words],
      {
        ...asNobody,
        cwd: folder,
        env: { ...process.env, LOG: logFile, HOME: folder },
        stdio: "ignore",
      },
    );
    server = child;
    for (;;) {
      if (child.exitCode !== null) return false;
      if (nameShown() !== undefined) return true;
      await sleep(100); // until it answers or has ended
    }
  }

  /** The common name of the certificate that the server shows to a client who verifies it. */
  function nameShown(): string | undefined {
    const certificate = join(folder, "data/server.crt");
    const place = `host=127.0.0.1 port=${port} user=ostiary dbname=postgres sslmode=verify-full sslrootcert=${certificate}`;
    const { status } = spawnSync(postgresProgram("psql"), [place, "-AtXqc", "select 1"], {
      ...asNobody,
      cwd: folder,
      env: { ...process.env, HOME: folder },
    });
    if (status !== 0) return undefined;
    return /CN\s*=\s*(\w+)/.exec(run("openssl", ["x509", "-in", certificate, "-noout", "-subject"]))?.[1];
  }

  const log = (): string =>
    existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "";

  it("starts, and asks again at a reload: the new key of the disk is opened too", async () => {
    expect(await start()).toBe(true);
    expect(nameShown()).toBe("first");
    makeCertificate("second");
    server?.kill("SIGHUP");
    for (let tries = 0; tries < 200 && nameShown() !== "second"; tries += 1) await sleep(50); // the reload is its own
    expect(nameShown()).toBe("second");
  }, 60_000);

  it("does not start where the policy refuses its guest, and a refused reload leaves what it has", async () => {
    expect(await start()).toBe(true);
    await broker.decideBy(CLOSED);
    const before = log().length;
    server?.kill("SIGHUP");
    for (
      let tries = 0;
      tries < 200 && !/SSL configuration was not reloaded/.test(log().slice(before));
      tries += 1
    ) {
      await sleep(50); // it says so
    }
    expect(log().slice(before)).toMatch(/policy\/denied[\s\S]*SSL configuration was not reloaded/);
    expect(nameShown()).toBe("second");
    const running = server;
    const ended = new Promise((done) => running?.once("exit", done));
    running?.kill("SIGINT");
    await ended;
    expect(await start()).toBe(false);
    expect(log()).toContain("could not load private key file");
    await broker.decideBy(OPEN);
    expect(await start()).toBe(true);
  }, 60_000);
});
