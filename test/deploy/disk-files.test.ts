/** Are the files by which disks are opened at boot what their readers take? Asked of the shells and of systemd. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const DEPLOY = join(import.meta.dirname, "../../deploy");
const folder = mkdtempSync(join(tmpdir(), "ostiary-units-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPTS = ["initramfs-tools", "clevis", "zfs"].flatMap((name) =>
  readdirSync(join(DEPLOY, name)).map((file) => join(DEPLOY, name, file)),
);

describe("what runs at boot", () => {
  it.each(SCRIPTS)("%s is a script of a plain shell", (path) => {
    expect(readFileSync(path, "utf8")).toMatch(/^#!\/bin\/sh\n# /);
    expect(spawnSync("sh", ["-n", path], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  it("dracut's module is a script of bash", () => {
    const path = join(DEPLOY, "dracut/91ostiary/module-setup.sh");
    expect(spawnSync("bash", ["-n", path], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  const ANALYZE = "/usr/bin/systemd-analyze";
  it.skipIf(!existsSync(ANALYZE))(
    "the unit of a volume is understood to the last line (systemd-analyze)",
    () => {
      const text = readFileSync(join(DEPLOY, "ostiary-unlock@.service"), "utf8");
      const path = join(folder, "ostiary-unlock@data.service");
      writeFileSync(path, text.replaceAll("/usr/bin/ostiary", process.execPath));
      const { status, stderr } = spawnSync(ANALYZE, ["verify", path], { encoding: "utf8" });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    },
  );

  it("zfs gets the bytes of the key on its standard input, and its status counts (a stand-in: no zfs is in Debian's main)", () => {
    const program = (name: string, body: string): void =>
      writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    program("zfs", `echo "$@" > '${folder}/words'; cat > '${folder}/key'; test -s '${folder}/key'`);
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
    const script = join(DEPLOY, "zfs/ostiary-zfs-load-key");
    const run = (agent: string): number | null => {
      program("ostiary", agent);
      return spawnSync(script, ["tank/db", "prod/zfs"], { env }).status;
    };
    expect(run(`test "$*" = "agent get prod/zfs --fd 1" && printf 'a\\0b\\nc'`)).toBe(0);
    expect(readFileSync(join(folder, "words"), "utf8")).toBe("load-key -L prompt tank/db\n");
    expect(readFileSync(join(folder, "key"), "latin1")).toBe("a\0b\nc");
    expect(run("exit 1")).not.toBe(0);
  });

  it("the key never stands in a file or an argument: no script names one", () => {
    for (const path of [...SCRIPTS, join(DEPLOY, "ostiary-unlock@.service")]) {
      expect(readFileSync(path, "utf8")).not.toMatch(/--out |--key-file[= ]\/|keyfile/);
    }
  });
});
