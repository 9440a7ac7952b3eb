/** Which file systems does the agent make in a volume that it just made? Those whose program takes a device and asks nothing. */
import { spawn } from "node:child_process";
import { Fault } from "../../base/fault.ts";

/** By name: the words that keep each program quiet. */
const FILE_SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  ext4: ["-q", "-F"],
  xfs: ["-q", "-f"],
  btrfs: ["-q", "-f"],
};

/** @throws {@link Fault} `file/unusable`. */
export function runMkfs(type: string, name: string): Promise<void> {
  const program = `mkfs.${type}`;
  const device = `/dev/mapper/${name}`;
  return new Promise((done, failed) => {
    const child = spawn(program, [...(FILE_SYSTEMS[type] ?? []), device], { stdio: "ignore" });
    const fail = (how: string): void =>
      failed(new Fault("file/unusable", `\`${program}\` ${how} for \`${device}\``));
    child.once("error", () => fail("cannot be run"));
    child.once("close", (status) => (status === 0 ? done() : fail(`ended with status ${status}`)));
  });
}
