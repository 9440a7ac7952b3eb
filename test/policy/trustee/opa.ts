/** What does Open Policy Agent say of the same policies and guests? Trustee's verdict first, then its resource policy. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import type { Guest } from "./guests.ts";

/** On the PATH, or where `.ci/run` builds it. */
const PROGRAM = ["opa", join(homedir(), ".cache/ostiary/opa/opa")].find(
  (one) => spawnSync(one, ["version"]).status === 0,
);

export const isOpaHere = PROGRAM !== undefined;

/** Whether each guest is let in. */
export function opaDecisions(one: Case, guests: readonly Guest[]): readonly boolean[] {
  const vectors = one.attestation === undefined ? undefined : vectorsOf(one, one.attestation, guests);
  const asked = guests.map((guest, at) => ({
    input: tokenOf(guest, vectors?.[at]),
    path: { list: guest.path, text: guest.path.join("/"), slashed: `/${guest.path.join("/")}` }[one.path],
  }));
  return ask("allow", one, one.resource, asked).map((allowed) => allowed === true);
}

function vectorsOf(one: Case, attestation: string, guests: readonly Guest[]) {
  const builtIn = "\nquery_reference_value(name) := data.reference[name]\n";
  const asked = guests.map(({ claims, path }) => ({ input: claims, path }));
  return ask("trust_claims", one, attestation + builtIn, asked).map((vector) => Object(vector));
}

/** The worst of the claims (AR4SI): silent up to 1, affirming up to 31. */
function statusOf(vector: Readonly<Record<string, number>>): string {
  const worst = Math.max(...Object.values(vector));
  if (worst <= 1) return "none";
  return worst < 32 ? "affirming" : worst < 96 ? "warning" : "contraindicated";
}

function tokenOf({ flat }: Guest, vector: Readonly<Record<string, number>> | undefined) {
  const verdict =
    vector === undefined ? {} : { "ear.status": statusOf(vector), "ear.trustworthiness-vector": vector };
  return { submods: { cpu0: { ...verdict, "ear.veraison.annotated-evidence": flat } } };
}

/** One guest after the other, in their order. */
const asking = (rule: string): string => `package ask

import rego.v1

answer(asked, path) := told if {
	told := data.policy.${rule} with input as asked with data["resource-path"] as path
}

answers := [told | some guest in data.guests; told := answer(guest.input, guest.path)]
`;

function ask(rule: string, { references, path }: Case, policy: string, guests: unknown): readonly unknown[] {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-opa-"));
  try {
    const data = { plugin: "resource", reference: references ?? {}, guests };
    writeFileSync(join(folder, "data.json"), JSON.stringify(data));
    writeFileSync(join(folder, "policy.rego"), policy);
    const old = policy.includes("import rego.v1") ? [] : ["--v0-compatible"];
    writeFileSync(join(folder, "ask.rego"), asking(rule));
    const files = ["policy.rego", "ask.rego", "data.json"].flatMap((name) => ["-d", join(folder, name)]);
    const { stdout, stderr } = spawnSync(
      PROGRAM ?? "opa",
      ["eval", ...old, "--format", "raw", ...files, "data.ask.answers"],
      {
        encoding: "utf8",
        maxBuffer: 1 << 26,
      },
    );
    if (stdout === "") throw new Error(`opa said nothing about a path as ${path}: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
