/** Do `writ show` and `writ export` tell all of a declaration, and only to whom it is sound? */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createWritCommand } from "../../src/cli/commands/writ.ts";
import { nodePrimitives } from "../../src/runtime/node/primitives.ts";
import { createTerminal } from "../../src/runtime/node/terminal.ts";

const NOW = Date.UTC(2026, 9, 20) / 1000;
const BYTE = (byte: string, size: number): string => `hex"${byte.repeat(size)}"`;
const SOURCE = `writ 1
module team.disks version 1.0.0 { owner "team@example.org" }

refset images of measurement {
  owner "images@example.org"
  "new" = ${BYTE("0a", 48)} valid 2026-10-01 ..
  "old" = ${BYTE("0b", 48)} valid 2026-09-01 .. 2026-11-01 state retiring
  "bad" = ${BYTE("0c", 48)} state revoked
}
floor fw { milan { bootloader 4, tee 0, snp 24, microcode 219 }
  turin refuse
}
template fresh(age) {
  require request.nonce_age <= age else "stale"
}
policy disks "Root \\"disks\\"" {
  for resource "prod/*", "test/**"
  platform bare-metal
  valid 2026-01-01 .. 2027-01-01T12:00Z
  use fresh(60s)
  require measurement in images else "another image"
  require tcb.committed at least fw
  deny "debug" when guest.debug because "readable"
  allow "boot" when approvals from "ops" >= 2
  on release {
    token_ttl 90s
    max_releases 3 per report.id within 1h
  }
}
guard org { for resource "prod/**"
  require broker.sealed else "not sealed"
}
guard elsewhere { for resource "lab/**"
  require vmpl == 0
}
`;

async function run(...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-show-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "disks.writ");
  writeFileSync(file, SOURCE);
  const broken = join(folder, "broken.writ");
  writeFileSync(broken, "writ 1\\npolicy");
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = {
    ...createTerminal(),
    out: (text: string) => void out.push(text),
    err: (text: string) => void err.push(text),
  };
  const { run: command } = createWritCommand({ primitives: nodePrimitives, now: () => NOW });
  const status = await command(
    words.map((word) => word.replace("FILE", file).replace("BROKEN", broken)),
    terminal,
  );
  return { status, out: out.join(""), err: err.join("") };
}

describe("writ show", () => {
  it("tells a policy as it is written, with its values and their windows beside now", async () => {
    const { status, out } = await run("show", "disks", "FILE");
    expect(status).toBe(0);
    expect(out).toBe(`policy disks "Root \\"disks\\""   # team.disks, disks.writ:16
  for resource "prod/*", "test/**"
  valid 2026-01-01T00:00Z .. 2027-01-01T12:00Z
  platform bare-metal
  use fresh(60s)
  require measurement in images else "another image"
  require tcb.committed at least fw
  deny "debug" when guest.debug because "readable"
  allow "boot" when approvals from "ops" >= 2
  on release {
    token_ttl 90s
    max_releases 3 per report.id within 1h
  }
  # remember: a report does not say whether kernel, initrd and command line were measured; use kernel hashes or an ID block

refset images of measurement   # disks.writ, owner images@example.org
  "new"  0a0a0a0a…  active    ............=======|============>  2026-10-01 ..
  "old"  0b0b0b0b…  retiring  ===================|=====.......  2026-09-01 .. 2026-11-01
  "bad"  0c0c0c0c…  revoked   denied for ever

floor fw   # disks.writ
  milan { bootloader 4, tee 0, snp 24, microcode 219 }
  turin refuse
`);
  });

  it("--expanded tells every line that is brought along, and the guards over it, those of the broker too", async () => {
    const { out } = await run("show", "team.disks/disks", "FILE", "--expanded");
    expect(out).toContain("  require evidence.format == raw   # platform bare-metal\n");
    expect(out).toContain('  require request.nonce_age <= 60s else "stale"   # template fresh\n');
    expect(out).toContain('guard org   # team.disks, disks.writ:30\n  for resource "prod/**"\n');
    expect(out).toContain("guard ostiary.default");
    expect(out).not.toContain("guard elsewhere");
  });

  it.each([
    ["images", "refset images of measurement"],
    ["fw", "floor fw"],
    ["ostiary.default", 'guard ostiary.default "Bits that nobody here can read"'],
  ])("tells %s", async (name, first) => {
    expect((await run("show", name, "FILE")).out.startsWith(first)).toBe(true);
  });

  it("marks another now, and knows no other name", async () => {
    expect((await run("show", "images", "FILE", "--now", "2026-09-02")).out).toContain(
      '"old"  0b0b0b0b…  retiring  ',
    );
    await expect(run("show", "disk", "FILE")).rejects.toThrow(/did you mean `disks`\?/);
    await expect(run("show", "disks", "FILE", "--now", "soon")).rejects.toThrow(/expected a date/);
    await expect(run("show")).rejects.toThrow(/expected NAME/);
    expect((await run("show", "disks", "BROKEN")).status).toBe(1);
  });
});

describe("writ export", () => {
  it("gives trees and rules as data in one form", async () => {
    const first = await run("export", "--json", "FILE");
    expect(first.status).toBe(0);
    const data = JSON.parse(first.out);
    expect(data.format).toBe("ostiary-writ/1");
    expect(data.program.declarations.map(({ name }: { name: string }) => name)).toContain("disks");
    expect(data.sources[0].items[0].name.span).toEqual({ start: 76, end: 82 });
    expect((await run("export", "--json", "FILE")).out).toBe(first.out);
  });

  it("gives Cedar, or its schema, never both, and nothing of a broken source", async () => {
    expect((await run("export", "--cedar", "FILE")).out).toContain('@id("team.disks/disks/allow 1")');
    expect(
      JSON.parse((await run("export", "--cedar", "--schema", "FILE")).out)[""].actions.ask,
    ).toBeDefined();
    await expect(run("export", "--cedar", "--json", "FILE")).rejects.toThrow(/one of --json and --cedar/);
    await expect(run("export", "FILE")).rejects.toThrow(/one of --json and --cedar/);
    await expect(run("export", "--json", "--schema", "FILE")).rejects.toThrow(/--cedar with --schema/);
    const broken = await run("export", "--cedar", "BROKEN");
    expect(broken).toMatchObject({ status: 1, out: "" });
    expect(broken.err).toContain("error[");
  });
});
