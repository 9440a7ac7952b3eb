/** What may a [[vault]] of the guest's file say, and what is told of one that says too little or too much? */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { parseAgentConfig } from "../../src/runtime/agent-config.ts";
import { vaultDoorsOf } from "../../src/runtime/node/vault-doors.ts";

const at = (path: string): string => (path.startsWith("/") ? path : `/etc/ostiary/${path}`);

const HEAD = '[[broker]]\nurl = "https://broker.example"\nsigning_key = "broker.pem"\n';
const KV = 'kv = [{ mount = "mariadb", path = "prod/tde", field = "data", encoding = "hex" }]';
const GOOD = `name = "db"\nlisten = "127.0.0.1:8200"\nplain_http = true\ntoken_file = "/run/ostiary/token"\n${KV}`;

function read(...vaults: readonly string[]) {
  return parseAgentConfig(HEAD + vaults.map((one) => `[[vault]]\n${one}\n`).join(""), at).vaults;
}

function isRefused(...vaults: readonly string[]): boolean {
  try {
    read(...vaults);
    return false;
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === "config/invalid") return true;
    throw thrown;
  }
}

describe("a [[vault]]", () => {
  it("is a program with its place, its token and what it sees", () => {
    const socket = `name = "pg"\nlisten = "/run/ostiary/pg.sock"\nowner = "106"\ngroup = "112"\nmode = "0660"
kv = [{ mount = "tde", path = "prod/pg", encoding = "json", write = true }]
transit = [{ mount = "transit", path = "prod/keys" }]`;
    expect(read(GOOD, socket)).toEqual([
      {
        name: "db",
        place: { host: "127.0.0.1", port: 8200, authorityFile: undefined },
        tokenFile: "/run/ostiary/token",
        rights: {},
        mounts: [
          {
            kind: "kv",
            mount: "mariadb",
            path: "prod/tde",
            form: { field: "data", encoding: "hex" },
            isWritable: false,
          },
        ],
      },
      {
        name: "pg",
        place: { socket: "/run/ostiary/pg.sock" },
        rights: { mode: 0o660, owner: "106", group: "112" },
        mounts: [
          { kind: "kv", mount: "tde", path: "prod/pg", form: { encoding: "json" }, isWritable: true },
          { kind: "transit", mount: "transit", path: "prod/keys" },
        ],
      },
    ]);
    const tls = GOOD.replace("plain_http = true", 'ca_file = "ca.pem"').replace("127.0.0.1", "[::1]");
    expect(read(tls)[0]?.place).toEqual({ host: "::1", port: 8200, authorityFile: "/etc/ostiary/ca.pem" });
    expect(read()).toEqual([]);
  });

  it.each([
    ["another machine's reach", GOOD.replace("127.0.0.1:8200", "0.0.0.0:8200")],
    ["a name", GOOD.replace("127.0.0.1:8200", "localhost:8200")],
    ["no port", GOOD.replace(":8200", "")],
    ["neither TLS nor a word against it", GOOD.replace("plain_http = true\n", "")],
    ["TLS and a word against it", `ca_file = "ca.pem"\n${GOOD}`],
    ["a port without a token", GOOD.replace(/token_file.*\n/, "")],
    ["a mode for a port", `mode = "0600"\n${GOOD}`],
    ["plain HTTP for a socket", GOOD.replace("127.0.0.1:8200", "/run/x.sock")],
    ["a path that is not whole", GOOD.replace("127.0.0.1:8200", "run/x.sock")],
    ["no mount", GOOD.replace(KV, "")],
    ["a mount twice", GOOD.replace(KV, `${KV}\ntransit = [{ mount = "mariadb", path = "prod/x" }]`)],
    ["the system's own mount", GOOD.replace('mount = "mariadb"', 'mount = "sys"')],
    ["a mount below that of tokens", GOOD.replace('mount = "mariadb"', 'mount = "auth/token"')],
    ["a mount that reads as an engine's path", GOOD.replace('mount = "mariadb"', 'mount = "a/data/b"')],
    ["a mount with dots", GOOD.replace('mount = "mariadb"', 'mount = "a/../b"')],
    ["a path that is none", GOOD.replace('path = "prod/tde"', 'path = "prod//tde"')],
    ["the path of tokens", GOOD.replace('path = "prod/tde"', 'path = "token/x"')],
    ["an encoding without a field", GOOD.replace('field = "data", ', "")],
    ["JSON with a field", GOOD.replace('"hex"', '"json"')],
    ["an encoding that nobody knows", GOOD.replace('"hex"', '"base32"')],
    [
      "a mode that is none",
      GOOD.replace("127.0.0.1:8200", "/run/x.sock").replace("plain_http = true", 'mode = "0999"'),
    ],
    ["a name with a space", GOOD.replace('"db"', '"my db"')],
    ["an unknown member", `tokens = 2\n${GOOD}`],
  ])("with %s is refused", (_, text) => {
    expect(isRefused(GOOD)).toBe(false);
    expect(isRefused(text)).toBe(true);
  });

  it("has a name and a place of its own", () => {
    expect(isRefused(GOOD, GOOD.replace("8200", "8201"))).toBe(true);
    expect(isRefused(GOOD, GOOD.replace('"db"', '"two"'))).toBe(true);
    expect(isRefused(GOOD, GOOD.replace("8200", "8201").replace('"db"', '"two"'))).toBe(false);
  });

  it("belongs to an account of this machine", async () => {
    const door = async (owner: string) => {
      const [first] = await vaultDoorsOf(read(`owner = "${owner}"\n${GOOD}`), { take: () => undefined });
      return first?.name;
    };
    expect([await door("root"), await door("0")]).toEqual(["vault db", "vault db"]);
    await expect(door("nobody-of-this-name")).rejects.toBeInstanceOf(Fault);
  });
});
