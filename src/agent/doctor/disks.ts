/** Would a disk be opened? Its headers, judged as `agent unlock` judges them; nothing is opened, and no key is asked for. */
import { isFault } from "../../base/fault.ts";
import type { Digest } from "../luks/binary-header.ts";
import { readDisk } from "../luks/disk.ts";
import { type Finding, finding } from "./finding.ts";

export interface DisksPlan {
  readonly devices: readonly string[];
  readonly digest: Digest;
}

export async function diskFindings({ devices, digest }: DisksPlan): Promise<readonly Finding[]> {
  return await Promise.all(devices.map((device) => headerFinding(device, digest)));
}

async function headerFinding(device: string, digest: Digest): Promise<Finding> {
  const expected =
    "a LUKS2 header of which every field is known: no null cipher, no foreign token, no reencryption";
  try {
    const { header } = await readDisk(device, digest);
    const slots = Object.keys(header.metadata.keyslots).length;
    return finding("disk.header", "ok", { seen: `${device}: it holds, ${slots} key slots`, expected });
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    const seen = `${device}: ${thrown.code}: ${thrown.message}`;
    const next =
      "put nothing on it before you know who wrote this header: the host can; a header that the agent formatted holds";
    return finding("disk.header", "error", { seen, expected, next });
  }
}
