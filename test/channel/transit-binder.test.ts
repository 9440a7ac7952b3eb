/** Is the hash of a token's use another one for each use, and never that of something else? */
import { describe, expect, it } from "vitest";
import { hexOf, utf8 } from "../../src/base/bytes.ts";
import { renewBinder, transitBinder, writeBinder } from "../../src/channel/transit-binder.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";

const USE = { audience: "https://a", urlPath: "/v1/renew", jkt: "k", body: utf8("{}") };

describe("the binder of a token's use", () => {
  it("is another for each part, wherever a byte moves to", () => {
    const uses = [
      USE,
      { ...USE, audience: "https://b" },
      { ...USE, urlPath: "/v1/other" },
      { ...USE, jkt: "l" },
      { ...USE, body: utf8("{} ") },
      { ...USE, jkt: "", audience: "https://ak" },
    ];
    const binders = uses.map((use) => hexOf(renewBinder(use, nodePrimitives)));
    expect(new Set(binders).size).toBe(uses.length);
    expect(binders[0]).toHaveLength(128);
  });

  it("is another for a renewal, a use of a key and a write", () => {
    const binders = [renewBinder, transitBinder, writeBinder].map((of) => hexOf(of(USE, nodePrimitives)));
    expect(new Set(binders).size).toBe(3);
  });
});
