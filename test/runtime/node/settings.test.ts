/** What does a configuration make of a broker's identity? Its audience, the issuer of its tokens, and how long they live at most. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { DATA_FILES, initDataFolder } from "../../../src/runtime/node/init.ts";
import { loadConfig, loadSettings } from "../../../src/runtime/node/settings.ts";

const AUDIENCE = "https://broker.example/c/0001";
let folder = "";

afterEach(() => rm(folder, { recursive: true }));

/** A new data folder, its configuration changed as the test says. */
async function settingsOf(change: (text: string) => string) {
  folder = await mkdtemp(join(tmpdir(), "ostiary-settings-"));
  const data = join(folder, "data");
  await initDataFolder(data, { audience: AUDIENCE, mode: "production", port: 8480, isKdsEnabled: false });
  const path = join(data, DATA_FILES.config);
  await writeFile(path, change(await readFile(path, "utf8")));
  return loadSettings(await loadConfig(path));
}

describe("the settings of a broker", () => {
  it("name the audience as issuer, and five minutes as the longest life of a token", async () => {
    const settings = await settingsOf((text) => text);
    expect(settings).toMatchObject({ audience: AUDIENCE, issuer: AUDIENCE, maxTokenSeconds: 300 });
  });

  it("are refused where the root has fewer people than it takes, or owners nothing to approve", async () => {
    const code = { code: "config/invalid" };
    await expect(settingsOf((text) => `${text}owns = []\n`)).rejects.toMatchObject(code);
    await rm(folder, { recursive: true });
    const two = (text: string) => text.replace("approvals = 1", "approvals = 1\nroot = 2");
    await expect(settingsOf(two)).rejects.toMatchObject(code);
    await rm(folder, { recursive: true });
    const alone = (text: string) => text.replace("approvals = 1", "approvals = 0");
    const groups = '[[owner]]\nname = "db"\napprovals = 1\n';
    await expect(settingsOf((text) => `${alone(text)}${groups}`)).rejects.toMatchObject(code);
  });

  it("have the page for security keys where the broker is reached, and nowhere else", async () => {
    const page = (origin: string) => (text: string) => `${text}\n[webauthn]\norigin = "${origin}"\n`;
    const { webauthn } = await settingsOf(page("https://broker.example"));
    expect(webauthn).toEqual({ origin: "https://broker.example", rpId: "broker.example" });
    await rm(folder, { recursive: true });
    const elsewhere = settingsOf(page("https://keys.broker.example"));
    await expect(elsewhere).rejects.toMatchObject({ code: "config/invalid" });
    await rm(folder, { recursive: true });
    const outside = (text: string) =>
      page("https://keys.broker.example")(text).replace(
        "[listen]",
        '[listen]\nexternal_url = "https://keys.broker.example"',
      );
    expect((await settingsOf(outside)).webauthn?.rpId).toBe("keys.broker.example");
  });

  it("ask for the approval of a second person unless somebody says otherwise", async () => {
    const { governance } = await settingsOf((text) => text);
    expect(governance).toMatchObject({ approvals: 1, rootThreshold: 1, groups: [], accepts: {} });
    expect(governance.admins).toMatchObject([{ kid: "admin-1", person: "admin-1", owns: ["root"] }]);
  });

  it("name the external URL as issuer where there is one", async () => {
    const outside = "https://outside.example";
    const settings = await settingsOf((text) =>
      `${text}\n[tokens]\nmax_lifetime_seconds = 45\n`.replace(
        "[listen]",
        `[listen]\nexternal_url = "${outside}"`,
      ),
    );
    expect(settings).toMatchObject({ audience: AUDIENCE, issuer: outside, maxTokenSeconds: 45 });
  });
});
