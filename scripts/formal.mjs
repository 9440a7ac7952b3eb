/**
 * Does the exchange hold against an attacker who owns the network? Runs Verifpal over the models in `formal/`, as they are and with one
 * thing taken away or leaked, and compares each verdict with the one that is expected. Ends with 1 on any difference.
 *
 * `VERIFPAL` names the program; without it, `verifpal` is looked for on the PATH and below the home folder's `.cache/ostiary`.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/** Letters of a result, in the order of a model's queries: confidentiality, authentication, freshness, equivalence. 1 is an attack. */
const HOLDS = "c0a0a0f0e0";

/** Model, what is changed in it, and the verdict: what breaks is what the part that went was there for. */
const CASES = [
  ["binding-3", "as it is", [], HOLDS],
  [
    "binding-3",
    "no wrapping key in the transcript",
    [["signing_pub, wrap_pub, claims)", "signing_pub, claims)"]],
    "c1a0a0f0e0",
  ],
  ["binding-3", "no nonce in the transcript", [["audience, nonce, own)", "audience, own)"]], "c0a1a0f1e0"],
  [
    "binding-3",
    "the guest does not check the release's signature",
    [[/^.*SIGNVERIF\(signing_pub.*\n/m, ""]],
    "c0a0a1f0e1",
  ],
  [
    "binding-3",
    "any image will do",
    [
      ["CONCAT(image, expected)", "CONCAT(other_image, expected)"],
      ["report = CONCAT(image, data)", "report = CONCAT(other_image, data)"],
    ],
    "c1a1a0f0e0",
  ],
  ["binding-3", "the signing key leaks", [[/^(\tsigning_pub = .*\n)/m, "$1\tleaks signing\n"]], "c0a0a1f0e1"],
  [
    "binding-3",
    "the guest's wrapping key leaks",
    [[/^(\twrap_pub = .*\n)/m, "$1\tleaks wrap\n"]],
    "c1a0a0f0e0",
  ],
  ["binding-3", "the chip's key leaks", [[/^(\tvcek_pub = .*\n)/m, "$1\tleaks vcek\n"]], "c1a1a0f0e0"],
  ["binding-3-diversion", "as it is", [], "a0f0"],
  [
    "binding-3-diversion",
    "neither audience nor the broker's key in the transcript",
    [
      ["CONCAT(label, other_audience, ", "CONCAT(label, "],
      ["CONCAT(label, audience, ", "CONCAT(label, "],
      [", own), signing_pub)", ", own))"],
      ["own), other_pub)", "own))"],
    ],
    "a1f0",
  ],
  ["binding-2", "as it is", [], HOLDS],
  ["binding-2-relay", "as it is: the TLS key is known", [], "c0a0f0"],
  [
    "binding-2-relay",
    "no exporter in the transcript",
    [
      [", own), client_cb, tls_pub", ", own), tls_pub"],
      [", own), server_cb, tls_pub", ", own), tls_pub"],
    ],
    "c1a0f0",
  ],
];

const program = [
  process.env.VERIFPAL,
  join(homedir(), ".cache/ostiary/verifpal/bin/verifpal"),
  "verifpal",
].find((name) => name !== undefined && (name === "verifpal" || existsSync(name)));
const folder = mkdtempSync(join(tmpdir(), "ostiary-formal-"));
let differences = 0;
for (const [at, [model, what, edits, expected]] of CASES.entries()) {
  const found = verdictOf(changed(model, edits), at);
  if (found !== expected) differences += 1;
  process.stdout.write(
    `${found === expected ? "as expected" : "DIFFERENT  "}  ${found.padEnd(10)}  ${expected}  ${model}: ${what}\n`,
  );
}
rmSync(folder, { recursive: true, force: true });
process.stdout.write(`${CASES.length} models, ${differences} differences\n`);
process.exitCode = differences === 0 ? 0 : 1;

/** The text of a model with each edit made; an edit that no longer finds its place is a mistake of this script. */
function changed(model, edits) {
  let text = readFileSync(new URL(`../formal/${model}.vp`, import.meta.url), "utf8");
  for (const [from, to] of edits) {
    const next = typeof from === "string" ? text.replaceAll(from, to) : text.replace(from, to);
    if (next === text) throw new Error(`${model}.vp no longer holds ${from}`);
    text = next;
  }
  return text;
}

function verdictOf(text, at) {
  const path = join(folder, `model-${at}.vp`);
  writeFileSync(path, text);
  const { error, stdout, stderr } = spawnSync(program, ["verify", path, "--result-code", "--quiet"], {
    encoding: "utf8",
  });
  if (error !== undefined)
    throw new Error(`Verifpal is not there: install it as .ci/run does (${error.message})`);
  const code = stdout.trim().split("\n").at(-1) ?? "";
  return /^([caf e][01])+$/.test(code) ? code : `no verdict: ${(stderr || stdout).trim().split("\n")[0]}`;
}
