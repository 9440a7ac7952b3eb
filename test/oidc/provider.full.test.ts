/** Does somebody sign in by a certified provider as they would: a browser here, a code typed elsewhere, and a broker and a command line that are processes? */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLIENT, type ProviderAtHand, startProvider } from "../support/openid-provider.ts";

const CLI = join(import.meta.dirname, "../../src/runtime/node/bin.mjs");

let folder: string;
let provider: ProviderAtHand;
let broker: ChildProcess;
let url: string;

const config = () => join(folder, "broker/ostiary.toml");
const session = () => join(folder, "ada.session");

function ostiary(...words: readonly string[]) {
  const run = spawnSync(process.execPath, [CLI, ...words], { encoding: "utf8", timeout: 30_000 });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

const asRoot = (...words: readonly string[]) => ostiary(...words, "--config", config(), "--broker", url);
const asAda = (...words: readonly string[]) => ostiary(...words, "--session", session());

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Signs in; `act` does what the command line tells people to do. */
async function login(words: readonly string[], act: (said: string) => Promise<unknown>): Promise<Ended> {
  const all = [
    "admin",
    "login",
    "--broker",
    url,
    "--audience",
    "http://broker.example",
    "--session",
    session(),
  ];
  const child = spawn(process.execPath, [CLI, ...all, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  let acting: Promise<unknown> | undefined;
  child.stdout.on("data", (piece) => {
    said.out += String(piece);
  });
  child.stderr.on("data", (piece) => {
    said.err += String(piece);
    if (said.err.includes("open") && said.err.endsWith("\n")) acting ??= act(said.err);
  });
  const status = await new Promise<number | null>((ended) => child.once("exit", ended));
  await acting;
  return { status, ...said };
}

const linkIn = (said: string): string => /http\S+\/auth\S+/.exec(said)?.[0] ?? "";

const byBrowser = (name: string, words: readonly string[] = []) =>
  login(words, (said) => provider.visit(linkIn(said), name));

const byDevice = (name: string) =>
  login(["--device"], (said) => {
    const [, at = "", code = ""] = /open (\S+) and type (\S+)/.exec(said) ?? [];
    return provider.visit(`${at}?user_code=${code}`, name);
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-oidc-"));
  provider = await startProvider();
  const made = ostiary(
    "init",
    "--data",
    join(folder, "broker"),
    "--port",
    "1",
    "--no-kds",
    "--audience",
    "http://broker.example",
  );
  expect(made.status).toBe(0);
  writeFileSync(config(), readFileSync(config(), "utf8").replace("port = 1", "port = 0"));
  appendFileSync(
    config(),
    `\n[[oidc]]\nissuer = "${provider.issuer}"\nclient_id = "${CLIENT}"\nmax_age = "1h"\n`,
  );
  broker = spawn(process.execPath, [CLI, "serve", "--config", config()], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  url = await new Promise<string>((serving, failing) => {
    broker.once("exit", () => failing(new Error("the broker ended")));
    broker.stdout?.on("data", (piece) => {
      const [found] = /http:\/\/\S+/.exec(String(piece)) ?? [];
      if (found !== undefined) serving(found);
    });
  });
}, 60_000);

afterAll(async () => {
  broker?.kill();
  await provider?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("somebody whom the provider knows", { timeout: 60_000 }, () => {
  it("is told by which account to be admitted, and is nobody until then", async () => {
    const ended = await byBrowser("248289761001");
    expect(ended.status).toBe(1);
    expect(ended.err).toContain(`${provider.issuer} as 248289761001`);
    expect(asAda("secret", "list").status).toBe(3);
  });

  it("comes in by a browser on this machine, and asks by the session alone", async () => {
    const words = [
      "--issuer",
      provider.issuer,
      "--subject",
      "248289761001",
      "--person",
      "ada",
      "--role",
      "auditor",
    ];
    expect(asRoot("admin", "add", "ada-sso", ...words)).toMatchObject({ status: 0 });
    const ended = await byBrowser("248289761001");
    expect(ended).toMatchObject({ status: 0 });
    expect(ended.out).toContain("signed in as ada-sso (ada): auditor; every path");
    expect(statSync(session()).mode & 0o777).toBe(0o600);
    expect(asAda("secret", "list")).toMatchObject({ status: 0 });
    expect(asAda("admin", "list").out).toContain(`${provider.issuer} 248289761001`);
    expect(asAda("audience", "add", "sts", "--aud", "https://sts.example").status).toBe(1);
  });

  it("comes in by a code that is typed elsewhere", async () => {
    const ended = await byDevice("248289761001");
    expect(ended).toMatchObject({ status: 0, err: expect.stringContaining("type") });
    expect(asAda("credentials", "list").out).toContain(`oidc-key/${provider.issuer}/key-`);
  });

  it("signs no statement", () => {
    const signed = asAda("admin", "remove", "admin-1");
    expect(signed.status).toBe(1);
    expect(signed.err).toContain("login/signs-nothing");
  });

  it("is somebody else where another account signs in", async () => {
    expect((await byDevice("ada-sso")).status).toBe(1);
  });

  it("comes in by the provider's next key, once the broker has asked for it", async () => {
    provider.rotate();
    let ended = await byBrowser("248289761001");
    for (let again = 0; ended.status === 1 && again < 40; again += 1) ended = await byBrowser("248289761001"); // within half a minute of the last look nobody is asked again
    expect(ended).toMatchObject({ status: 0 });
  });

  it("is told to use a browser where the provider keeps no nonce with a code", async () => {
    provider.forgetNonces();
    const ended = await byDevice("248289761001");
    expect(ended.status).toBe(1);
    expect(ended.err).toContain("sign in without --device");
  });

  it("is out the moment that the root says so", () => {
    expect(asAda("secret", "list").status).toBe(0);
    expect(asRoot("admin", "remove", "ada-sso").status).toBe(0);
    expect(asAda("secret", "list").status).toBe(1);
  });
});
