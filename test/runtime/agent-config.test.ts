import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { agentOptionsOf } from "../../src/cli/agent-session.ts";
import { parseAgentConfig } from "../../src/runtime/agent-config.ts";

const at = (path: string): string => (path.startsWith("/") ? path : `/etc/ostiary/${path}`);

const PINNED = `[[broker]]
url = "https://broker.example"
signing_key = "broker.pem"
`;

function problemsOf(text: string): readonly string[] {
  try {
    parseAgentConfig(text, at);
    return [];
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.code === "config/invalid") return Object.keys(thrown.detail).sort();
    throw thrown;
  }
}

describe("the agent's configuration", () => {
  it("says to a verb what options would say", () => {
    const { brokers } = parseAgentConfig(
      `[[broker]]
url = "https://broker.example:8443"
audience = "https://broker.example/c/1"
policy = "broker.writ"
cluster = "eu-1"
vmpl = 1
fresh = true
trust_simulator = "/srv/ark.pem"
binding = "ra-tls"
wrap = "hpke-xwing"
tls_ca = "ca.pem"
[[broker]]
url = "http://127.0.0.1:8480"
signing_key = "other.pem"
[evidence]
provider = "simulator"
simulator_dir = "machine"
vmpl = 2
deadline_seconds = "none"
spread_seconds = 30
always = true
posture = true
`,
      at,
    );
    expect(brokers.map((values) => agentOptionsOf(values))).toEqual([
      {
        brokers: ["https://broker.example:8443"],
        others: [],
        spreadSeconds: 30,
        attestsAlways: true,
        sendsPosture: true,
        audience: "https://broker.example/c/1",
        brokerPolicy: {
          file: "/etc/ostiary/broker.writ",
          cluster: "eu-1",
          vmpl: 1,
          isFresh: true,
          trustSimulatorFile: "/srv/ark.pem",
        },
        provider: "simulator",
        simulatorFolder: "/etc/ostiary/machine",
        vmpl: 2,
        deadlineSeconds: Infinity,
        suite: 2,
        binding: 1,
        tlsAuthoritiesFile: "/etc/ostiary/ca.pem",
      },
      expect.objectContaining({
        brokers: ["http://127.0.0.1:8480"],
        signingKeyFile: "/etc/ostiary/other.pem",
      }),
    ]);
  });

  it("asks for a quote of the host's vTPM where it says so, and only then", () => {
    const asked = (evidence: string) => {
      const { brokers } = parseAgentConfig(`${PINNED}[evidence]\ntpm = "/dev/tpm0"\n${evidence}`, at);
      const { asksHostVtpm, tpmDevice } = agentOptionsOf(brokers[0]);
      return [asksHostVtpm, tpmDevice];
    };
    expect(asked("host_vtpm = true\n")).toEqual([true, "/dev/tpm0"]);
    expect(asked("host_vtpm = false\n")).toEqual([undefined, "/dev/tpm0"]);
  });

  it("asks for a quote of the SVSM's vTPM where it says so, and only then", () => {
    const asked = (evidence: string) => {
      const { brokers } = parseAgentConfig(`${PINNED}[evidence]\nprovider = "svsm"\n${evidence}`, at);
      return agentOptionsOf(brokers[0]).asksSvsmVtpm;
    };
    expect([asked("svsm_vtpm = true\n"), asked("svsm_vtpm = false\n"), asked("")]).toEqual([
      true,
      undefined,
      undefined,
    ]);
  });

  it("tells every problem at once, by its place, and repeats nothing of what stands there", () => {
    const text = `planted = "s3cret"
[[broker]]
url = "ftp://s3cret"
signing_key = "a.pem"
passphrase = "s3cret"
[evidence]
vmpl = 4
[serve]
health = "0.0.0.0:80"
`;
    expect(problemsOf(text)).toEqual([
      "broker.0.passphrase",
      "broker.0.url",
      "evidence.vmpl",
      "planted",
      "serve.health",
    ]);
    expect(() => parseAgentConfig(text, at)).toThrow(expect.not.objectContaining({ message: /s3cret/ }));
  });

  const bad: readonly (readonly [string, string])[] = [
    ["no broker", ""],
    ["a broker twice", PINNED + PINNED],
    ["a broker that nothing is known of", '[[broker]]\nurl = "https://broker.example"\n'],
    ["a cluster without a policy", `${PINNED}cluster = "eu-1"\n`],
    ["a binding to TLS without TLS", `${PINNED.replace("https", "http")}binding = "tls-exporter"\n`],
    ["an authority where TLS does not count", `${PINNED}binding = "application"\ntls_ca = "ca.pem"\n`],
    ["a simulator without its folder", `${PINNED}[evidence]\nprovider = "simulator"\n`],
    ["a folder of a simulator without the simulator", `${PINNED}[evidence]\nsimulator_dir = "m"\n`],
    ["a host's vTPM beside Azure's", `${PINNED}[evidence]\nprovider = "azure-vtpm"\nhost_vtpm = true\n`],
    ["an SVSM's vTPM beside a report", `${PINNED}[evidence]\nsvsm_vtpm = true\n`],
    ["a host's vTPM beside an SVSM", `${PINNED}[evidence]\nprovider = "svsm"\nhost_vtpm = true\n`],
    ["what is no TOML", "[[broker"],
  ];
  it.each(bad)("refuses %s", (_, text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });

  it("answers questions about itself on this machine alone", () => {
    const served = (place: string) => parseAgentConfig(`${PINNED}[serve]\nhealth = "${place}"\n`, at).serve;
    expect(served("/run/ostiary/health.sock")).toEqual({ health: { socket: "/run/ostiary/health.sock" } });
    expect(served("127.0.0.1:9464")).toEqual({ health: { host: "127.0.0.1", port: 9464 } });
    expect(served("[::1]:9464")).toEqual({ health: { host: "::1", port: 9464 } });
  });
});
