import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asText, inFormat, secretFormatOf } from "../../src/agent/secret-format.ts";
import { parseTemplate, rendered } from "../../src/agent/template.ts";
import { utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe("a template", () => {
  it("is text with secrets in it, each in its own form", () => {
    const parts = parseTemplate('a={{ secret "prod/a" }}\nb={{secret "prod/b" "hex"}} {{ "{{" }}x}}\n');
    expect(parts).toEqual([
      "a=",
      { path: "prod/a", format: "raw" },
      "\nb=",
      { path: "prod/b", format: "hex" },
      " ",
      "{{",
      "x}}\n",
    ]);
    const copies: Uint8Array[] = [];
    const bytes = rendered(parts, ({ path, format }) => {
      const copy = inFormat(utf8(path), format);
      copies.push(copy);
      return copy;
    });
    expect(text(bytes)).toBe("a=prod/a\nb=70726f642f62 {{x}}\n");
    expect(copies.every((copy) => copy.every((byte) => byte === 0))).toBe(true);
  });

  const bad: readonly string[] = [
    "{{",
    "{{ }}",
    '{{ secret "prod/a"',
    "{{ secret prod/a }}",
    '{{ secret "../a" }}',
    '{{ secret "prod/a" "pem" }}',
    '{{ secret "prod/a" "raw" "raw" }}',
    '{{ range "prod/a" }}',
    '{{ secret "token/sts" }}',
  ];
  it.each(bad)("refuses `%s` and says in which line", (template) => {
    expect(() => parseTemplate(`one\ntwo ${template}`)).toThrow(
      expect.objectContaining({ code: "config/invalid", detail: { line: 2 } }),
    );
  });

  it("stays as it is where it names no secret, and throws nothing but faults", () => {
    const plain = fc.string().filter((one) => !one.includes("{{"));
    fc.assert(fc.property(plain, (one) => text(rendered(parseTemplate(one), () => utf8("!"))) === one));
    const noise = fc.array(fc.constantFrom("{{", "}}", " ", '"', "secret", "prod/a", "\n", "hex", "x"));
    fc.assert(
      fc.property(noise, (words) => {
        try {
          parseTemplate(words.join(""));
        } catch (thrown) {
          expect(isFault(thrown, "config/invalid")).toBe(true);
        }
      }),
    );
  });
});

describe("the form of a secret", () => {
  it("is known by its word", () => {
    const words = ["raw", "hex", "base64", "json:a.b-c_1", "json:", "json:a b", "HEX", "pem"];
    expect(words.filter((word) => secretFormatOf(word) !== undefined)).toEqual(words.slice(0, 4));
  });

  it("may be one member of a JSON object, which has to be there", () => {
    const secret = utf8('{"user":"app","port":5432,"deep":{"x":1},"none":null,"on":true}');
    const member = (name: string): string => text(inFormat(secret, `json:${name}`));
    expect([member("user"), member("port"), member("on")]).toEqual(["app", "5432", "true"]);
    for (const name of ["password", "deep", "none", "toString", "__proto__"]) {
      expect(() => member(name)).toThrow(expect.objectContaining({ code: "secret/unfit" }));
    }
    for (const other of ["[1]", '"a"', "not json", '{"a":1,"a":2}']) {
      expect(() => inFormat(utf8(other), "json:a")).toThrow(
        expect.objectContaining({ code: "secret/unfit" }),
      );
    }
  });

  it("is no text where it is none, or has a zero in it", () => {
    expect(asText(utf8("pässword"))).toBe("pässword");
    for (const bytes of [Uint8Array.of(0xff, 0xfe), utf8("a\0b")]) {
      expect(() => asText(bytes)).toThrow(expect.objectContaining({ code: "secret/unfit" }));
    }
  });
});
