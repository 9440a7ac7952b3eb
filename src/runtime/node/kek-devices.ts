/** How does a root key come into a token, or under a TPM? What `ostiary kek rotate --module` and `kek seal` do on this machine. */
import { unlink, writeFile } from "node:fs/promises";
import { Fault, systemCodeOf } from "../../base/fault.ts";
import type { MakeTokenKey, SealKeyFile } from "../../cli/kek-devices.ts";
import { readKekFile } from "../../kek/file.ts";
import { readPin } from "../../kek/pin.ts";
import { zeroize } from "../../keys/zeroize.ts";
import { deviceParts } from "./open-kek.ts";
import { syncFolderOf } from "./replaced-file.ts";

export const makeTokenKey: MakeTokenKey = async ({ pinFile, kind, ...place }) => {
  const { generateTokenKey } = await import("../../kek/pkcs11/generate.ts");
  const pin = await readPin({ kind: "file", path: pinFile }, {});
  await generateTokenKey({ ...place, pin }, kind).finally(() => zeroize(pin));
};

export const sealKeyFile: SealKeyFile = async ({ file, out, ...to }) => {
  const [{ sealKey }, { encodeSealed }] = [
    await import("../../kek/tpm/seal.ts"),
    await import("../../kek/tpm/sealed-file.ts"),
  ];
  const key = await readKekFile(file);
  try {
    await written(out, encodeSealed(await sealKey(key, to, deviceParts)));
  } finally {
    zeroize(key);
  }
};

/** On disk when it returns: the file with the key may be gone in the next moment. */
async function written(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600, flush: true });
    await syncFolderOf(path);
  } catch (thrown) {
    const reason = systemCodeOf(thrown);
    if (reason !== "EEXIST") await unlink(path).catch(() => undefined);
    throw new Fault("file/unusable", `expected to make \`${path}\`, which is not there yet (${reason})`, {
      reason,
    });
  }
}
