/** How is configfs read and written? Whole attributes, bounded; entries are folders that the kernel fills. */
import { access, constants, mkdir, open, rmdir } from "node:fs/promises";
import { join } from "node:path";

/** Operations on a report folder. Failures are those of `node:fs`, with their `code`. */
export interface TsmFiles {
  readonly makeEntry: (path: string) => Promise<void>;
  readonly removeEntry: (path: string) => Promise<void>;
  /** Whether the kernel shows this attribute. */
  readonly has: (entry: string, attribute: string) => Promise<boolean>;
  readonly read: (entry: string, attribute: string) => Promise<Uint8Array>;
  readonly write: (entry: string, attribute: string, bytes: Uint8Array) => Promise<void>;
}

/** More than any attribute has: a report is 1184 bytes, the kernel caps the certificate table at 16 KiB. */
const MAX_ATTRIBUTE_BYTES = 128 * 1024;

export const nodeTsmFiles: TsmFiles = {
  makeEntry: async (path) => void (await mkdir(path, { mode: 0o700 })),
  removeEntry: rmdir,
  has: (entry, attribute) =>
    access(join(entry, attribute)).then(
      () => true,
      () => false,
    ),
  read: readAttribute,
  write: writeAttribute,
};

async function readAttribute(entry: string, attribute: string): Promise<Uint8Array> {
  const file = await open(join(entry, attribute), constants.O_RDONLY);
  try {
    const bytes = new Uint8Array(MAX_ATTRIBUTE_BYTES);
    let size = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, size, bytes.length - size); // in order: it is a stream
      size += bytesRead;
      if (bytesRead === 0) return bytes.slice(0, size);
    }
  } finally {
    await file.close();
  }
}

/** Never creates: an attribute that the kernel did not make is not there. */
async function writeAttribute(entry: string, attribute: string, bytes: Uint8Array): Promise<void> {
  const file = await open(join(entry, attribute), constants.O_WRONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}
