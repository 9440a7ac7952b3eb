/** What does a policy say of an image that several reference sets have, and when? */
import { describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { imagesOf } from "../../src/policy/images.ts";
import { SNP_VOCABULARY } from "../../src/policy/vocabulary.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { compileSources } from "../../src/writ/compile.ts";

const [A, B] = ["0a".repeat(48), "0b".repeat(48)];
const DAY = 86_400;
const NOON = instant(Date.UTC(2026, 10, 30, 12) / 1000);

function setsOf(text: string) {
  const options = { vocabulary: SNP_VOCABULARY, digest: nodePrimitives.digest };
  const files = [
    { path: "a.writ", text: `writ 1\nmodule acme.images version 1.0.0 { owner "a@b.example" }\n${text}` },
  ];
  const { program, diagnostics } = compileSources(files, options);
  if (program === undefined) throw new Error(JSON.stringify(diagnostics));
  return imagesOf(program);
}

const set = (name: string, measurement: string, rest: string): string =>
  `refset ${name} of measurement {\n"${name} 1" = hex"${measurement}" ${rest}\n}\n`;
const OPEN = "valid 2026-01-01 .. state active";

describe("an image", () => {
  it("that one set lists is listed where another one's window is over", () => {
    const images = setsOf(
      set("old", A, "valid 2026-01-01 .. 2026-02-01 state active") + set("good", A, OPEN),
    );
    expect(images.at(A, NOON)).toMatchObject({ state: "listed", label: "good 1" });
  });

  it("counts from its first moment to the one before its last", () => {
    const images = setsOf(set("one", A, "valid 2026-11-30 .. 2026-12-01 state active"));
    const midnight = instant(NOON - DAY / 2);
    expect(images.at(A, instant(midnight - 1))).toMatchObject({ state: "expired" });
    expect(images.at(A, midnight)).toMatchObject({ state: "listed" });
    expect(images.at(A, instant(midnight + DAY - 1))).toMatchObject({ state: "listed" });
    expect(images.at(A, instant(midnight + DAY))).toEqual({
      state: "expired",
      label: "one 1",
      set: "acme.images/one",
      endedAt: midnight + DAY,
    });
  });

  it("that no set has is nowhere, and sets of other fields list none", () => {
    expect(setsOf(set("one", A, OPEN)).at(B, NOON)).toBeUndefined();
    const others = setsOf(`refset hosts of host_data {\n"h" = hex"${"00".repeat(32)}" ${OPEN}\n}\n`);
    expect(others.hasSets).toBe(false);
  });
});
