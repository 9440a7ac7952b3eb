/** Does a stock client of HashiCorp Vault work with the daemon as with a Vault? Debian's python3-hvac, over TLS, against a real daemon and broker. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Daemon, daemonFolder, guestFile, startDaemon } from "../agent/daemon.ts";
import { type DemoBroker, demoBroker, freePort } from "../agent/demo-broker.ts";

const PYTHON = "/usr/bin/python3";
const isHvacHere = spawnSync(PYTHON, ["-c", "import hvac"]).status === 0;

const POLICY = `writ 1
module acme.agent version 2.0.0 { owner "ops@acme.example" }
policy programs {
  for resource "prod/**", "attest"
  platform bare-metal
  require measurement == hex"${"02".repeat(48)}" else "another image"
  allow "use" when request.op in [release, write, unwrap]
  on release { key_version any }
}
`;

/** What a program does with the library; every line that it prints is a fact. */
const PROGRAM = `
import base64, hvac, json, sys
url, token, ca = sys.argv[1:4]
client = hvac.Client(url=url, token=token, verify=ca)
def say(name, value): print(json.dumps([name, value]))
def refused(work):
    try: work()
    except Exception as e: return [type(e).__name__, str(e)]
    return None
say("authenticated", client.is_authenticated())
say("initialized", client.sys.is_initialized())
say("sealed", client.sys.is_sealed())
kv = client.secrets.kv.v2
say("empty", refused(lambda: kv.list_secrets(path="", mount_point="app")))
say("absent", refused(lambda: kv.read_secret_version(path="db/main", mount_point="app")))
def write(cas, **data): return kv.create_or_update_secret(path="db/main", secret=data, cas=cas, mount_point="app")["data"]["version"]
say("first", write(0, user="u", password="one"))
say("late", refused(lambda: write(0, user="u", password="two")))
say("second", write(1, user="u", password="two"))
say("newest", kv.read_secret_version(path="db/main", mount_point="app")["data"]["data"])
say("older", kv.read_secret_version(path="db/main", version=1, mount_point="app")["data"]["data"])
say("list", kv.list_secrets(path="", mount_point="app")["data"]["keys"])
say("below", kv.list_secrets(path="db", mount_point="app")["data"]["keys"])
say("metadata", kv.read_secret_metadata(path="db/main", mount_point="app")["data"]["current_version"])
say("config", kv.read_configuration(mount_point="app")["data"]["cas_required"])
kv.delete_latest_version_of_secret(path="db/main", mount_point="app")
say("deleted", refused(lambda: kv.read_secret_version(path="db/main", mount_point="app")))
say("third", write(None, user="u", password="three"))
transit = client.secrets.transit
plain = base64.b64encode(b"a disk's key").decode()
made = transit.encrypt_data(name="disks", plaintext=plain)["data"]["ciphertext"]
say("text", made.split(":")[:2])
say("opened", transit.decrypt_data(name="disks", ciphertext=made)["data"]["plaintext"] == plain)
key = transit.generate_data_key(name="disks", key_type="plaintext")["data"]
say("data key", transit.decrypt_data(name="disks", ciphertext=key["ciphertext"])["data"]["plaintext"] == key["plaintext"])
say("export", refused(lambda: transit.export_key(name="disks", key_type="encryption-key")))
other = hvac.Client(url=url, verify=ca)
other.auth.approle.login(role_id="app", secret_id=token)
say("approle", other.is_authenticated())
stranger = hvac.Client(url=url, token="a token of somebody else", verify=ca)
say("stranger", refused(lambda: stranger.secrets.kv.v2.read_secret_version(path="db/main", mount_point="app")))
say("not mine", refused(lambda: kv.read_secret_version(path="x", mount_point="other")))
`;

const reason = isHvacHere ? "" : " (no hvac here: install the package `python3-hvac`)";

describe.skipIf(!isHvacHere)(`python3-hvac${reason}`, () => {
  let broker: DemoBroker;
  let daemon: Daemon;
  let guest: ReturnType<typeof daemonFolder>;
  let port: number;

  beforeAll(async () => {
    broker = await demoBroker({});
    await broker.decideBy(POLICY);
    await broker.admin.putSecret("prod/transit/disks", { kind: "transit", type: "aes-256-gcm" });
    port = await freePort();
    guest = daemonFolder(`${guestFile(broker)}
[[vault]]
name = "app"
listen = "127.0.0.1:${port}"
ca_file = "FOLDER/ca.pem"
token_file = "FOLDER/token"
kv = [{ mount = "app", path = "prod/app", encoding = "json", write = true }]
transit = [{ mount = "transit", path = "prod/transit" }]
`);
    daemon = startDaemon(guest.file);
    await daemon.says("ready");
  }, 60_000);

  afterAll(async () => {
    daemon.child.kill();
    await daemon.ended;
    guest.remove();
    await broker.remove();
  });

  it("reads, writes by check and set, lists, deletes, encrypts and logs in", () => {
    const [ca, token] = [join(guest.folder, "ca.pem"), readFileSync(join(guest.folder, "token"), "utf8")];
    const words = ["-c", PROGRAM, `https://127.0.0.1:${port}`, token, ca];
    const { status, stdout, stderr } = spawnSync(PYTHON, words, { encoding: "utf8", timeout: 120_000 });
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.trim().split("\\n").join("\n").split("\n");
    const facts = Object.fromEntries(lines.map((line): [string, unknown] => JSON.parse(line)));
    expect(facts).toMatchObject({
      authenticated: true,
      initialized: true,
      sealed: false,
      empty: ["InvalidPath", expect.any(String)],
      absent: ["InvalidPath", expect.any(String)],
      first: 1,
      late: [
        "InvalidRequest",
        expect.stringContaining("check-and-set parameter did not match the current version"),
      ],
      second: 2,
      newest: { user: "u", password: "two" },
      older: { user: "u", password: "one" },
      list: ["db/"],
      below: ["main"],
      metadata: 2,
      config: false,
      deleted: ["InvalidPath", expect.any(String)],
      third: 3,
      text: ["vault", "v1"],
      opened: true,
      "data key": true,
      export: ["Forbidden", expect.stringContaining("ostiary: vault/not-bound")],
      approle: true,
      stranger: ["Forbidden", expect.stringContaining("ostiary: vault/token")],
      "not mine": ["Forbidden", expect.stringContaining("ostiary: vault/not-bound")],
    });
  }, 150_000);
});
