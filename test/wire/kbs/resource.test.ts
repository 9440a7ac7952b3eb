/** Does each resource of a KBS have one path, and each no the form that clients read? */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAULT_CODES, type FaultCode } from "../../../src/base/fault-codes.ts";
import { kbsErrorOf } from "../../../src/wire/kbs/error.ts";
import { kbsResourcePath } from "../../../src/wire/kbs/resource.ts";
import { problemOf } from "../../../src/wire/problem.ts";
import { codeOf } from "../../support/faults.ts";

/** The three segments of the protocol's text. */
const SEGMENT = /^[a-zA-Z0-9_-]+[a-zA-Z0-9_\-.]*$/;

describe("a resource", () => {
  it("is the path that was sent, of three segments as the protocol has them", () => {
    for (const path of ["default/key/1", "a/b/c", "Repo_1/type-2/tag.v3", "-/_/0"]) {
      expect(kbsResourcePath(path)).toBe(path);
    }
  });

  it("of any text is itself or none, and never what the protocol has no word for", () => {
    const segment = fc.stringMatching(/^[a-zA-Z0-9_.%~:+ü-]{0,6}$/);
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const sent = segments.join("/");
        const parts = sent.split("/");
        const isOne = parts.length === 3 && parts.every((one) => SEGMENT.test(one)) && parts[0] !== "token";
        if (isOne) expect(kbsResourcePath(sent)).toBe(sent);
        else expect(codeOf(() => kbsResourcePath(sent))).toBe("kbs/bad-path");
      }),
    );
  });

  it("is no token's, of which policy knows the name", () => {
    for (const path of ["token/sts/1", "token/a/b"]) {
      expect(codeOf(() => kbsResourcePath(path))).toBe("kbs/bad-path");
    }
    expect(kbsResourcePath("tokens/sts/1")).toBe("tokens/sts/1");
  });

  it("that is long is no path, and is not looked through", () => {
    const long = `${"a".repeat(1 << 20)}/b/c`;
    expect(codeOf(() => kbsResourcePath(long))).toBe("kbs/bad-path");
  });
});

const VARIANTS = [
  ...["AdminAuthAccess", "AttestationError", "InvalidRequestPath", "JweError", "PluginNotFound"],
  ...[
    "PluginInternalError",
    "PolicyDeny",
    "ParsePolicyError",
    "SerdeError",
    "TokenNotFound",
    "TokenVerifierError",
  ],
];

describe("a no", () => {
  const ID = "01KB0000000000000000000001";
  const codes = Object.keys(FAULT_CODES).filter((code): code is FaultCode =>
    Object.hasOwn(FAULT_CODES, code),
  );

  it("of every kind is one that the stock client reads, with wire code and id in its detail", () => {
    for (const code of codes) {
      const problem = problemOf(code, ID);
      const { status, body } = kbsErrorOf(code, problem);
      const { type, detail, ...more }: Record<string, string> = JSON.parse(body);
      expect(VARIANTS).toContain(type?.replace("https://github.com/confidential-containers/kbs/errors/", ""));
      expect(detail).toContain(`(${problem.code}, urn:ostiary:${ID})`);
      expect(more).toEqual({});
      expect([401, 404, 405, 413, 429, 500, 502, 503], code).toContain(status);
    }
  });

  it("has the client come again on 401 alone, and never where it is our own fault", () => {
    for (const code of codes) {
      const { status } = kbsErrorOf(code, problemOf(code, ID));
      expect(status === 401, code).toBe(
        FAULT_CODES[code].status < 500 && ![404, 405, 413, 429].includes(status),
      );
    }
    const stops: readonly FaultCode[] = ["secret/absent", "kbs/bad-path", "request/not-found"];
    for (const code of stops) expect(kbsErrorOf(code, problemOf(code, ID)).status).toBe(404);
  });
});
