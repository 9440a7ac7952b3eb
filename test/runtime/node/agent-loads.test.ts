/** What does a guest load for one key? Nothing of a broker's or of other verbs, no policy language, no certificates, and no `fetch`: it boots with it. */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { localServer } from "../../support/local-server.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** Says at the end what was loaded, and whether Node loaded what is behind `fetch`. */
const TELL = `data:text/javascript,import { registerHooks } from "node:module";
const urls = [];
registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
process.on("exit", () => process.stderr.write("\\nloaded " + JSON.stringify({ urls, hasFetch: process.moduleLoadList.some((name) => name.includes("undici")) }) + "\\n"));`;

const CHALLENGE = {
  nonce: Buffer.alloc(48, 0x11).toString("base64url"),
  exp: "2999-11-23T12:00:00Z",
  audience: "https://broker.example/c/0001",
  signingKey: { kid: "broker-1", spki: Buffer.alloc(91, 0x44).toString("base64url") },
  suites: [1],
};

it("for a release by a pinned key", async () => {
  const { url } = await localServer((_, response) =>
    response.setHeader("content-type", "application/json").end(JSON.stringify(CHALLENGE)),
  );
  const folder = mkdtempSync(join(tmpdir(), "ostiary-loads-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const key = join(folder, "broker.pem");
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(key, publicKey.export({ type: "spki", format: "pem" }));
  const words = [
    "get",
    "a",
    "--fd",
    "1",
    "--broker",
    url,
    "--signing-key",
    key,
    "--provider",
    "configfs-tsm",
    "--tsm-dir",
    "/nowhere",
  ];
  const program = join(ROOT, "src/runtime/node/bin.mjs");
  const said = await stderrOf(["--import", TELL, program, "agent", ...words]);
  expect(said).toContain("provider/unavailable"); // it came as far as its evidence
  const { urls, hasFetch } = JSON.parse(/\nloaded (.*)\n$/.exec(said)?.[1] ?? "{}");
  expect(urls.length).toBeGreaterThan(60);
  const foreign =
    /\/src\/(writ|broker|http|store|kds|kek|simulator)\/|\/src\/policy\/(?!wraps)|@peculiar|smol-toml|\/hono|\/jose|koffi/;
  expect(urls.filter((loaded: string) => foreign.test(loaded))).toEqual([]);
  const ofOtherVerbs =
    /\/src\/client\/(transit-client|transit|write|fetch-token|confirm|give-back|own-token)[.]ts|node:child_process/;
  const ofTls = /\/src\/agent\/(ra-)?tls-|node:tls/;
  expect(urls.filter((loaded: string) => ofOtherVerbs.test(loaded) || ofTls.test(loaded))).toEqual([]);
  expect(hasFetch).toBe(false);
});

function stderrOf(words: readonly string[]): Promise<string> {
  return new Promise((done) => {
    const child = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (piece) => {
      said += String(piece);
    });
    child.once("close", () => done(said));
  });
}
