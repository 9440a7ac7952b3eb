/** Does the doctor judge a disk as the agent does before it opens one? Real volumes of cryptsetup's, one as it should be and some that are not. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { diskFindings } from "../../../src/agent/doctor/disks.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { random } from "../demo-broker.ts";
import { blankDisk, folderIn, itWithCryptsetup, realDisk, tamper } from "../luks/real-disk.ts";

async function severityOf(device: string) {
  const [found] = await diskFindings({ devices: [device], digest: nodePrimitives });
  return [found?.severity, found?.seen.split(": ")[1]];
}

describe("a disk", () => {
  itWithCryptsetup(
    "holds as the agent formats it; a null cipher, a blank disk, a file that is none and no disk do not",
    async () => {
      const { path, remove } = folderIn();
      onTestFinished(remove);
      const disk = realDisk(join(path, "disk"), random(32));
      expect(await severityOf(disk)).toEqual(["ok", "it holds, 1 key slots"]);
      tamper(disk, (text) => text.replaceAll("aes-xts-plain64", "cipher_null-ecb"));
      expect((await severityOf(disk))[0]).toBe("error");
      expect(await severityOf(blankDisk(join(path, "blank")))).toEqual(["error", "disk/not-luks"]);
      writeFileSync(join(path, "short"), "LUKS");
      expect((await severityOf(join(path, "short")))[0]).toBe("error");
      expect((await severityOf(join(path, "none")))[0]).toBe("error");
    },
  );
});
