/** Which number has an account of this machine? By /etc/passwd and /etc/group, which an initramfs has too; a number stands for itself. */
import { readFile } from "node:fs/promises";
import type { FileRights } from "../../agent/tmpfs-file.ts";
import { Fault } from "../../base/fault.ts";
import type { NamedRights } from "../agent-places-config.ts";

/** @throws {@link Fault} `config/invalid` for a name that this machine does not know. */
export async function fileRightsOf({ mode, owner, group }: NamedRights): Promise<FileRights> {
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(owner === undefined ? {} : { uid: await numberOf(owner, "/etc/passwd") }),
    ...(group === undefined ? {} : { gid: await numberOf(group, "/etc/group") }),
  };
}

/** The third field of either file, passwd(5) and group(5). */
async function numberOf(name: string, file: string): Promise<number> {
  if (/^\d{1,9}$/.test(name)) return Number(name);
  const lines = (await readFile(file, "utf8").catch(() => "")).split("\n");
  const [, , digits = ""] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
  if (/^\d{1,9}$/.test(digits)) return Number(digits);
  throw new Fault("config/invalid", `expected \`${name}\` to be in ${file}, or a number`);
}
