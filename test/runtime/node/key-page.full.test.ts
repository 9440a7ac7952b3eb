/** Does the page for security keys do what it says, in a real browser? Registered there, brought in by the command line, and then used. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyAuthenticationResponse } from "@simplewebauthn/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/runtime/config.ts";
import { CLI, freePort } from "../../agent/demo-broker.ts";
import { type Browser, type Page, startChromium } from "../../support/chromium.ts";

const POLICY = `writ 1
module acme.test version 1.0.0 { owner "ops@acme.example" }
policy disks {
  for resource "prod/**"
  require not guest.debug else "guest memory could be read"
  allow "boot" when request.op == release
}
`;

let folder: string;
let origin: string;
let broker: ChildProcess;
let browser: Browser;
let page: Page;

const at = (name: string): string => join(folder, name);
const config = (): string => at("data/ostiary.toml");

/** As an operator runs it; `input` is what stands on standard input. */
function ostiary(words: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], {
    encoding: "utf8",
    timeout: 60_000,
    input,
  });
  return { status, out: stdout, err: stderr };
}

const asAda = (words: string, input?: string) => ostiary([...words.split(" "), "--config", config()], input);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ostiary-key-page-"));
  const port = await freePort();
  origin = `http://localhost:${port}`;
  const made = ["init", "--data", at("data"), "--port", String(port), "--no-kds", "--audience", origin];
  expect(ostiary(made).status).toBe(0);
  writeFileSync(config(), `${readFileSync(config(), "utf8")}\n[webauthn]\norigin = "${origin}"\n`);
  broker = spawn(process.execPath, [CLI, "serve", "--data", at("data")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => broker.stdout?.once("data", resolve));
  writeFileSync(at("test.writ"), POLICY);
  browser = await startChromium();
  page = await browser.open(`${origin}/admin/key`);
  await page.addSecurityKey();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  broker?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const fill = (id: string, text: string) =>
  page.evaluate(`document.getElementById("${id}").value = ${JSON.stringify(text)}; undefined`);
const click = (id: string) => page.evaluate(`document.getElementById("${id}").click()`);
const contentOf = (id: string) => page.until(`document.getElementById("${id}").value`);
const textOf = (id: string) => page.until(`document.getElementById("${id}").textContent`);

/** Of the bundle that is not live. */
function proposedDigest(): string {
  const { bundles, live } = JSON.parse(asAda("policy list --json").out);
  return bundles.find((one: { readonly digest: string }) => one.digest !== live?.digest).digest;
}

/** The page itself is opened again, with what the command line's link holds. */
async function followed(said: string): Promise<void> {
  const link = /open {6}(\S+)/.exec(said)?.[1];
  if (link === undefined) throw new Error(`no link in ${said}`);
  expect(link.startsWith(`${origin}/admin/key#`)).toBe(true);
  await page.reload(link);
  await textOf("audience");
}

describe("the page for security keys", () => {
  it("says where it is from, and that its own files are all that it may load", async () => {
    expect(await textOf("audience")).toBe(origin);
    const answer = await fetch(`${origin}/admin/key`);
    expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
  });

  it("registers a key, whose record a change of the roster names and the configuration takes", async () => {
    await fill("new-name", "ben");
    await click("register");
    const registration = await contentOf("registration");
    expect(await textOf("flags")).toContain("knows you");
    expect(await textOf("aaguid")).toMatch(/^[0-9a-f]{32}$/);
    writeFileSync(at("ben.json"), registration);
    const added = asAda(`admin add ben --registration ${at("ben.json")} --role approver`);
    expect(added).toMatchObject({ status: 0 });
    expect(added.err).toContain("nothing proves");
    const toml = await contentOf("toml");
    const text = readFileSync(config(), "utf8").replace(/^\[\[admin\]\]/m, `${toml}\n[[admin]]`);
    const [inFile] = parseConfig(text).admins;
    const listed = JSON.parse(asAda("admin list --json").out).admins.at(-1);
    expect(listed.key.credential).toBe(
      Buffer.from(inFile?.webauthn?.id ?? new Uint8Array(0)).toString("base64url"),
    );
    expect(listed.key).toMatchObject({ type: "webauthn", rp_id: "localhost", origin });
  }, 60_000);

  it("shows a bundle as the command line does, approves it, and the broker believes it again", async () => {
    expect(asAda(`policy propose ${at("test.writ")}`).status).toBe(0);
    const digest = /[0-9a-f]{64}/.exec(asAda("policy list").out)?.[0] ?? "";
    expect(asAda(`policy activate ${digest}`).err).toContain("policy/unapproved");
    await fill("digest", digest);
    await click("review");
    const shown = await textOf("shown");
    const said = asAda(`policy review ${digest}`).out;
    expect(shown.startsWith(`${digest}\nby admin-1\n`)).toBe(true);
    expect(said).toContain(shown.split("\n").at(4));
    await page.until(`document.getElementById("approve").disabled ? "" : "ready"`);
    await click("approve");
    await page.until(
      `document.getElementById("standing").textContent.includes("nobody else has to agree") ? "yes" : ""`,
    );
    expect(asAda(`policy activate ${digest}`).status).toBe(0);
  }, 60_000);

  it("signs what the command line asks, and gives it back", async () => {
    const wider = POLICY.replace("1.0.0", "2.0.0").replace(/ {2}require.*\n/, "");
    writeFileSync(at("test.writ"), wider);
    expect(asAda(`policy propose ${at("test.writ")}`).status).toBe(0);
    const digest = proposedDigest();
    const child = spawn(process.execPath, [
      CLI,
      ...["policy", "approve", digest, "--config", config(), "--security-key", "ben"],
    ]);
    const { said, ended } = heard(child);
    const link = await said(/open .*\n/);
    await followed(link);
    expect(await textOf("asked-digest")).toBe(/SHA-256 ([0-9a-f]{64})/.exec(await said(/SHA-256/))?.[1]);
    expect(await textOf("asked-payload")).toContain(digest);
    await click("sign");
    const assertion = await contentOf("assertion");
    const { key } = JSON.parse(asAda("admin list --json").out).admins.at(-1);
    expect(await isGoodElsewhere(assertion, key, link)).toBe(true);
    child.stdin.end(assertion);
    // Ben's statement counts; who sends it is admin-1, whose role is approver too.
    expect(await ended()).toBe(0);
    expect(asAda(`policy review ${digest}`).out).toContain("1 of 1 approvers approved: ben");
  }, 60_000);

  it("sends what the command line asks, where nobody waits for it there", async () => {
    const digest = proposedDigest();
    const words = ["policy", "approve", digest, "--reject", "--security-key", "ben", "--config", config()];
    await followed(ostiary(words).err);
    await page.until(`document.getElementById("send").hidden ? "" : "ready"`);
    await click("send");
    expect(await textOf("sent")).toBe("the broker took it");
    expect(asAda(`policy review ${digest}`).out).toContain("rejected by ben");
  }, 60_000);

  it("loads nothing from elsewhere, and takes no text for markup", async () => {
    expect(page.complaints).toEqual([]);
    const tried = `(async () => { try { await fetch("http://127.0.0.1:9/"); return "went out"; } catch { return "stayed here"; } })()`;
    expect(await page.evaluate(tried)).toBe("stayed here");
    const inline = `(() => { try { document.body.innerHTML = "<b>x</b>"; return "markup"; } catch { return "refused"; } })()`;
    expect(await page.evaluate(inline)).toBe("refused");
    expect(page.complaints.length).toBeGreaterThan(0);
  });

  it("makes visible what hides in the text of others", async () => {
    const text = "DSSEv1 4 text 8 a\u202Eb\u0007";
    await page.reload(`${origin}/admin/key#signs=${Buffer.from(text).toString("base64url")}`);
    expect(await textOf("asked-payload")).toBe("a\\u{202e}b\\u{7}");
    await page.reload(
      `${origin}/admin/key#signs=${Buffer.from("<img src=x onerror=alert(1)>").toString("base64url")}`,
    );
    expect(await textOf("asked-type")).toBe("something else");
    expect(await page.evaluate("document.images.length")).toBe(0);
  });

  it("asks the key for nobody else: another page below localhost has no say", async () => {
    const strange = await browser.open(`${origin.replace("localhost", "127.0.0.1")}/admin/key`);
    const problem = await strange.until(`document.getElementById("problem").textContent`);
    expect(problem).toContain("only");
  }, 60_000);
});

/** Collects what a program says, and how it ends. */
function heard(child: ReturnType<typeof spawn>) {
  let text = "";
  const collect = (piece: Buffer) => {
    text += String(piece);
  };
  child.stderr?.on("data", collect);
  child.stdout?.on("data", collect);
  const end = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const said = async (pattern: RegExp): Promise<string> => {
    for (let turn = 0; turn < 400; turn += 1) {
      if (pattern.test(text)) return text;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`never said ${pattern}: ${text}`);
  };
  return { said, ended: async () => (await end) ?? -1 };
}

/** What another implementation says of the browser's assertion. */
async function isGoodElsewhere(
  assertion: string,
  key: { readonly credential: string; readonly spki: string; readonly rp_id: string },
  link: string,
): Promise<boolean> {
  const spki = Buffer.from(key.spki, "base64url");
  const cose = Buffer.concat([
    Buffer.from("a5010203262001215820", "hex"),
    spki.subarray(-64, -32),
    Buffer.from("225820", "hex"),
    spki.subarray(-32),
  ]);
  const { verified } = await verifyAuthenticationResponse({
    response: {
      id: key.credential,
      rawId: key.credential,
      type: "public-key",
      clientExtensionResults: {},
      response: JSON.parse(assertion),
    },
    expectedChallenge: /challenge (\S+)/.exec(link)?.[1] ?? "",
    expectedOrigin: origin,
    expectedRPID: key.rp_id,
    credential: { id: key.credential, publicKey: Uint8Array.from(cose), counter: 0 },
  });
  return verified;
}
