/** Who can have what? The solver's answer, and the evaluator's about the same requests. */
import { describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { whatCan, whoCan } from "../../src/policy/reach.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";
import type { Program } from "../../src/writ/program.ts";

const NOW = instant(Date.UTC(2026, 10, 30, 12) / 1000);
const [A, B, OLD, BAD, NONE] = ["0a", "0b", "0c", "0d", "0e"].map((one) => one.repeat(48)) as [
  string,
  string,
  string,
  string,
  string,
];

function programOf(text: string): Program {
  const options = { vocabulary: SNP_VOCABULARY, digest: nodePrimitives.digest };
  const files = [
    { path: "a.writ", text: `writ 1\nmodule acme.reach version 1.0.0 { owner "a@b.example" }\n${text}` },
  ];
  const { program, diagnostics } = compileSources(files, options);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  return program;
}

const SETS = `
refset web_images of measurement {
"web 1" = hex"${A}" valid 2026-01-01 .. state active
"web 0" = hex"${OLD}" valid 2026-01-01 .. 2026-06-01 state active
}
refset db_images of measurement {
"db 1" = hex"${B}" valid 2026-01-01 .. state active
"db 0" = hex"${BAD}" valid 2026-01-01 .. state revoked
}
`;

const PROGRAM = programOf(`${SETS}
policy web {
  for resource "prod/web/*", "prod/shared"
  require measurement in web_images
  allow "boot" when request.op == release
}
policy db {
  for resource "prod/db/**"
  require measurement in db_images
  require not guest.debug
  allow "boot" when request.op == release
}
policy one {
  for resource "prod/one"
  require measurement == hex"${NONE}"
  allow "boot"
}
policy open {
  for resource "public/**"
  allow "anybody"
}
guard never-lab "No lab" {
  for resource "prod/lab/**"
  require guest.debug and not guest.debug else "never"
}
policy lab {
  for resource "prod/lab/**"
  require measurement in web_images
  allow "boot"
}
`);

const labelsOf = (path: string) => whoCan(PROGRAM, path, NOW).images.map(({ label }) => label);

describe("who can have a resource", () => {
  it("is the images that a policy over it lists, those that count at this moment, and no other", () => {
    expect(labelsOf("prod/web/a")).toEqual(["web 1"]);
    expect(labelsOf("prod/db/x/y")).toEqual(["db 1"]);
    expect(whoCan(PROGRAM, "prod/web/a", NOW)).toMatchObject({ isReachable: "yes", byOthers: "no" });
    const before = instant(Date.UTC(2026, 4, 1) / 1000);
    expect(whoCan(PROGRAM, "prod/web/a", before).images.map(({ label }) => label)).toEqual([
      "web 1",
      "web 0",
    ]);
  });

  it("comes with the policies that grant it, and with all that each asks", () => {
    const { granting } = whoCan(PROGRAM, "prod/db/x", NOW);
    expect(granting).toMatchObject([{ module: "acme.reach", policy: "db", resources: ["prod/db/**"] }]);
    expect(granting[0]?.requires.join("\n")).toContain("measurement");
    expect(granting[0]?.requires).toHaveLength(2);
    expect(granting[0]?.allows).toHaveLength(1);
  });

  it("is anybody where no clause asks for an image, and says so", () => {
    expect(whoCan(PROGRAM, "public/x", NOW)).toMatchObject({ isReachable: "yes", byOthers: "yes" });
  });

  it("is an image that stands in a clause itself, and no other", () => {
    expect(whoCan(PROGRAM, "prod/one", NOW)).toMatchObject({
      images: [{ value: NONE, label: "in a clause", set: "acme.reach/one" }],
      byOthers: "no",
    });
  });

  it("is nobody where no policy is over it, or a guard stops all", () => {
    for (const path of ["prod/other", "prod/web/a/b", "prod/lab/x"])
      expect(whoCan(PROGRAM, path, NOW)).toMatchObject({
        isReachable: "no",
        granting: [],
        images: [],
        byOthers: "no",
      });
  });
});

describe("what an image can have", () => {
  const resourcesOf = (measurement: string) =>
    whatCan(PROGRAM, measurement, NOW).granting.flatMap(({ resources }) => resources);

  it("is what the policies that list it are over, and what is open to all", () => {
    expect(resourcesOf(A)).toEqual(["public/**", "prod/web/*", "prod/shared"]);
    expect(resourcesOf(B)).toEqual(["prod/db/**", "public/**"]);
    expect(resourcesOf(NONE)).toEqual(["prod/one", "public/**"]);
    expect(resourcesOf(OLD)).toEqual(["public/**"]);
  });

  it("is nothing at all where a revoked entry binds every policy of the module", () => {
    expect(whatCan(PROGRAM, BAD, NOW)).toMatchObject({ isReachable: "no", granting: [] });
  });
});
