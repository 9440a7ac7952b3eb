/** Does `ostiary policy import-trustee` print what was carried over, tell what was not, and ask no broker? */
import { describe, expect, it } from "vitest";
import { parseUtf8, utf8 } from "../../src/base/bytes.ts";
import { FAULT_CODES } from "../../src/base/fault-codes.ts";
import { exitStatusOf, type Terminal } from "../../src/cli/command.ts";
import { createPolicyCommand } from "../../src/cli/commands/policy.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { MEASUREMENTS } from "../policy/trustee/guests.ts";

const RULE = 'allow if input.submods.cpu0["ear.status"] == "affirming"';
const FILES: Readonly<Record<string, string>> = {
  "kbs/resource.rego": `package policy\ndefault allow := false\n${RULE}\n`,
  "partly.rego": `package policy\n${RULE}\nallow if time.now_ns() > 0\n`,
  "service.rego": 'package policy\nexecutables := 3 if input.snp.measurement in query_reference_value("m")\n',
  "values.json": JSON.stringify({ m: [MEASUREMENTS[0]] }),
  "none.json": "[1]",
};
const SERVICE = ["--attestation", "service.rego", "--reference-values", "values.json"];

async function run(...words: readonly string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const written: Record<string, string> = {};
  const terminal: Terminal = {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    isTty: false,
    readFile: async (path) => {
      const text = FILES[path];
      return text === undefined ? Uint8Array.of(0xff) : utf8(text);
    },
    writeFile: async (path, bytes) => {
      written[path] = parseUtf8(bytes) ?? "";
    },
  };
  const open = () => Promise.reject(new Error("a broker was asked"));
  const command = createPolicyCommand({ open, digest: nodePrimitives.digest });
  try {
    const status = await command.run(["import-trustee", ...words], terminal);
    return { status, out: out.join(""), err: err.join(""), written };
  } catch (thrown) {
    const status = exitStatusOf(thrown, ({ code }) => FAULT_CODES[code].status);
    return { status, out: out.join(""), err: "", written };
  }
}

describe("policy import-trustee", () => {
  it("prints the module, and ends with 0 where all of it was carried over", async () => {
    const { status, out, err } = await run("kbs/resource.rego", ...SERVICE);
    expect([status, err]).toEqual([0, "policies: 1, left out: 0\n"]);
    expect(out).toContain('policy trustee-1 "resource.rego, line 3" {');
    expect(out).toContain(`hex"${MEASUREMENTS[0]}"`);
    expect(out).not.toContain("kbs/");
  });

  it("tells what was left out by file and line, and ends with 1", async () => {
    const { status, out, err } = await run("partly.rego", ...SERVICE);
    expect(status).toBe(1);
    expect(out).toContain("policy trustee-1 ");
    expect(err).toMatch(/^partly\.rego:3: .*\npolicies: 1, left out: 1\n$/);
  });

  it("writes a file where one is named, and prints nothing of it then", async () => {
    const shown = await run("kbs/resource.rego", ...SERVICE);
    const { out, written } = await run("kbs/resource.rego", ...SERVICE, "--out", "trustee.writ");
    expect([out, written["trustee.writ"]]).toEqual(["", shown.out]);
  });

  it("gives both in JSON", async () => {
    const { out } = await run("partly.rego", ...SERVICE, "--json");
    const { policies, left, text } = JSON.parse(out);
    expect([policies, left.length, left[0].file, left[0].line]).toEqual([1, 1, "partly.rego", 3]);
    expect(text).toContain("writ 1");
  });

  it("lets in nobody by a verdict whose policy is not given", async () => {
    const { status, out } = await run("kbs/resource.rego");
    expect([status, out.includes("policy trustee")]).toEqual([1, false]);
  });

  it("ends with 2 for other words, with 1 for a list that is none, with 3 for a file that is no text", async () => {
    expect((await run()).status).toBe(2);
    expect((await run("a.rego", "b.rego")).status).toBe(2);
    expect((await run("kbs/resource.rego", "--policy", "x")).status).toBe(2);
    expect((await run("kbs/resource.rego", "--reference-values", "none.json")).status).toBe(1);
    expect((await run("no-text.rego")).status).toBe(3);
  });
});
