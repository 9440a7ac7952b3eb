/** Who may be told of events? Exactly what the sections say, each kind with its own members, and nothing in the clear over a network. */
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { parseConfig, parseWorkerConfig } from "../../src/runtime/config.ts";

const GOOD = `mode = "demo"
audience = "https://broker.example/c/0001"
[listen]
host = "127.0.0.1"
port = 8443
[files]
kek = "kek.key"
signing_key = "signing-key.pem"
ledger_key = "ledger-key.pem"
database = "ostiary.db"
`;

function problemsOf(text: string, parse: (text: string) => unknown = parseConfig): readonly string[] {
  try {
    parse(text);
    return [];
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    return Object.keys(thrown.detail);
  }
}

const audit = (lines: string) => `${GOOD}[[audit]]\nname = "siem"\n${lines}\n`;
const notify = (lines: string) => `${GOOD}[[notify]]\nname = "pager"\n${lines}\n`;
const traces = (lines: string) => `${GOOD}[traces]\n${lines}\n`;

describe("sinks of a configuration", () => {
  it("are read as they are meant", () => {
    const text = `${GOOD}
[[audit]]
name = "file"
kind = "file"
path = "audit.jsonl"
from = "beginning"
[[audit]]
name = "log"
kind = "syslog"
address = "tls:[2001:db8::1]:6514"
ca_file = "ca.pem"
[[notify]]
name = "pager"
kind = "webhook"
url = "https://pager.example/hook?team=1"
key_file = "pager.key"
acts = ["policy-activate"]
[[notify]]
name = "ciso"
kind = "command"
command = ["/usr/bin/mail", "-s", "ostiary", "ciso@example.org"]
[traces]
endpoint = "http://127.0.0.1:4318/v1/traces"
guest_parent = "link"
[health]
details = "loopback"
`;
    const { audits, notifies, traces: read, healthDetails } = parseConfig(text);
    const syslog = { kind: "tls", host: "2001:db8::1", port: 6514 };
    expect(audits).toEqual([
      { name: "file", from: "beginning", place: { kind: "file", path: "audit.jsonl" } },
      { name: "log", from: "now", place: { kind: "syslog", address: syslog, caFile: "ca.pem" } },
    ]);
    expect(notifies).toEqual([
      {
        name: "pager",
        acts: ["policy-activate"],
        place: { kind: "webhook", url: "https://pager.example/hook?team=1", keyFile: "pager.key" },
      },
      {
        name: "ciso",
        acts: [],
        place: { kind: "command", words: ["/usr/bin/mail", "-s", "ostiary", "ciso@example.org"] },
      },
    ]);
    expect(read).toEqual({
      endpoint: "http://127.0.0.1:4318/v1/traces",
      ratio: 1,
      perSecond: 20,
      guestParent: "link",
    });
    expect(healthDetails).toBe("loopback");
  });

  it.each([
    ["a webhook in the clear", notify('kind = "webhook"\nurl = "http://pager.example/"\nkey_file = "k"')],
    [
      "a webhook with a password in its URL",
      notify('kind = "webhook"\nurl = "https://a:b@pager.example/"\nkey_file = "k"'),
    ],
    ["a webhook without a key", notify('kind = "webhook"\nurl = "https://pager.example/"')],
    ["a webhook by another scheme", notify('kind = "webhook"\nurl = "file:///etc/passwd"\nkey_file = "k"')],
    ["members of another kind", audit('kind = "file"\npath = "a"\nurl = "https://pager.example/"')],
    ["an unknown kind", audit('kind = "kafka"\npath = "a"')],
    ["a command for every entry", audit('kind = "command"\ncommand = ["/bin/true"]')],
    ["a command found by a search", notify('kind = "command"\ncommand = ["mail"]')],
    ["no command", notify('kind = "command"\ncommand = []')],
    ["an address without a port", audit('kind = "syslog"\naddress = "tcp:log.example"')],
    ["an address with a port that is none", audit('kind = "syslog"\naddress = "udp:log.example:65536"')],
    ["a socket without a path", audit('kind = "syslog"\naddress = "unix:log"')],
    ["a name with a space", `${GOOD}[[audit]]\nname = "a b"\nkind = "file"\npath = "a"`],
    [
      "two of one name",
      `${audit('kind = "file"\npath = "a"')}[[audit]]\nname = "siem"\nkind = "file"\npath = "b"`,
    ],
    [
      "nine of them",
      GOOD +
        Array.from({ length: 9 }, (_, i) => `[[audit]]\nname = "n${i}"\nkind = "file"\npath = "a"\n`).join(
          "",
        ),
    ],
    ["an act that is none", notify('kind = "file"\npath = "a"\nacts = ["Policy Activate"]')],
    ["spans in the clear", traces('endpoint = "http://collector.example:4318/v1/traces"')],
    ["more than all requests", traces('endpoint = "https://collector.example/v1/traces"\nratio = 1.5')],
    [
      "a guest that decides",
      traces('endpoint = "https://collector.example/v1/traces"\nguest_parent = "sampled"'),
    ],
    ["details for everybody", `${GOOD}[health]\ndetails = "anyone"\n`],
  ])("are refused with %s", (_what, text) => {
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });

  it("are refused on a Worker with a sentence", () => {
    const base = 'mode = "demo"\naudience = "https://broker.example"\n';
    for (const section of ["audit", "notify"]) {
      const text = `${base}[[${section}]]\nname = "a"\nkind = "file"\npath = "a"\n`;
      expect(problemsOf(text, parseWorkerConfig)).toEqual([section]);
    }
    expect(problemsOf(`${base}[traces]\nendpoint = "https://c.example/"\n`, parseWorkerConfig)).toEqual([
      "traces",
    ]);
    expect(problemsOf(`${base}[health]\ndetails = "admins"\n`, parseWorkerConfig)).toEqual(["health"]);
  });
});
