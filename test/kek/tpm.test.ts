/** Does a root key open on its own TPM alone, after what was booted when it was sealed, and without a word to whoever listens on the bus? */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "@fast-check/vitest";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ask, emptyPassword, sized } from "../../src/attestation/tpm/command.ts";
import { flushed } from "../../src/attestation/tpm/flush.ts";
import { base64UrlOf, concatBytes, u16be, u32be, utf8 } from "../../src/base/bytes.ts";
import { isFault } from "../../src/base/fault.ts";
import { kekOf } from "../../src/kek/key.ts";
import { openTpmKek } from "../../src/kek/tpm/open.ts";
import { withPrimary } from "../../src/kek/tpm/primary.ts";
import { sealKey, unsealKey } from "../../src/kek/tpm/seal.ts";
import { encodeSealed, parseSealed, type SealedFile } from "../../src/kek/tpm/sealed-file.ts";
import { deviceParts } from "../../src/runtime/node/open-kek.ts";
import { patient, withTpm } from "../../src/runtime/node/tpm.ts";
import { parseTpmDevice } from "../../src/runtime/tpm-device.ts";
import { describeKek } from "../contract/kek.ts";
import { describeWithSwtpm, extendPcr, raw, startTpm, type TestTpm } from "../support/swtpm.ts";
import { listening } from "../support/tpm-bus.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
const OTHER = KEY.slice().reverse();
const folder = mkdtempSync(join(tmpdir(), "ostiary-sealed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "opened",
    (thrown: unknown) => (isFault(thrown) ? thrown.code : `no fault: ${String(thrown)}`),
  );
}

describeWithSwtpm("a root key under a TPM", () => {
  let tpm: TestTpm;
  let sealed: SealedFile;
  const write = (name: string, file: SealedFile): string => {
    writeFileSync(join(folder, name), encodeSealed(file));
    return join(folder, name);
  };
  const open = (name: string) => openTpmKek({ device: tpm.device, sealed: join(folder, name) }, deviceParts);

  beforeAll(async () => {
    tpm = await startTpm();
    sealed = await sealKey(KEY, { device: tpm.device, pcrs: [7, 16] }, deviceParts);
    write("key", sealed);
    write("other", await sealKey(OTHER, { device: tpm.device, pcrs: [7] }, deviceParts));
  });
  afterAll(() => tpm.remove());

  describeKek(
    "a TPM",
    () => open("key"),
    () => open("other"),
  );

  it("is the same key as in a file", async () => {
    expect((await open("key")).id).toBe(kekOf(KEY.slice(), deviceParts).id);
  });

  it("opens after each boot, and as often as one likes: nothing stays loaded", async () => {
    await tpm.reboot();
    for (let i = 0; i < 8; i += 1) expect(await unsealKey(sealed, tpm.device, deviceParts)).toEqual(KEY); // in order
    const damaged = { ...sealed, privateArea: sealed.privateArea.slice(1) };
    for (let i = 0; i < 8; i += 1) {
      expect(await codeOf(unsealKey(damaged, tpm.device, deviceParts))).toBe("tpm/unavailable"); // in order
    }
    expect(await unsealKey(sealed, tpm.device, deviceParts)).toEqual(KEY);
  });

  it("opens over a socket of this machine's file system too", async () => {
    const other = await startTpm("unix");
    const own = await sealKey(
      KEY,
      { device: other.device, pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14] },
      deviceParts,
    );
    expect(await unsealKey(own, other.device, deviceParts)).toEqual(KEY);
    await other.remove();
  });

  it("stays closed on every other TPM, for whoever has the file", async () => {
    const thief = await startTpm();
    expect(await codeOf(unsealKey(sealed, thief.device, deviceParts))).toBe("kek/unavailable");
    const own = await sealKey(OTHER, { device: thief.device, pcrs: [7] }, deviceParts);
    const lying = { ...sealed, parent: own.parent }; // as though it had been sealed there
    expect(await codeOf(unsealKey(lying, thief.device, deviceParts))).toBe("tpm/unavailable");
    await thief.remove();
  });

  it("stays closed after another boot, says which register changed, and opens after the right one", async () => {
    await extendPcr(16, tpm.device);
    await expect(unsealKey(sealed, tpm.device, deviceParts)).rejects.toMatchObject({
      code: "kek/unavailable",
      detail: { changed: "16" },
    });

    await tpm.reboot();
    expect(await unsealKey(sealed, tpm.device, deviceParts)).toEqual(KEY);
  });

  it("stays closed where the file says other registers, or was changed anywhere", async () => {
    for (const file of [
      { ...sealed, pcrs: [7], values: sealed.values.slice(1) },
      { ...sealed, id: OTHER.slice(0, 16) },
      {
        ...sealed,
        publicArea: (await sealKey(OTHER, { device: tpm.device, pcrs: [7] }, deviceParts)).publicArea,
      },
    ]) {
      expect(await codeOf(unsealKey(file, tpm.device, deviceParts))).toMatch(/^(kek|tpm)\/unavailable$/);
    }
    for (const area of ["privateArea", "publicArea", "parent"] as const) {
      for (const at of [0, 3, sealed[area].length >> 1, sealed[area].length - 1]) {
        const changed = sealed[area].slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        expect(await codeOf(unsealKey({ ...sealed, [area]: changed }, tpm.device, deviceParts))).toMatch(
          /unavailable$/,
        );
      }
    }
  });

  it("is given to nobody by the sealed object's own authorization, which is empty", async () => {
    const nothing = new Uint8Array(0);
    const parameters = concatBytes(sized(sealed.privateArea), sized(sealed.publicArea));
    const attempt = withTpm(tpm.device, (connection) =>
      withPrimary(connection, deviceParts, async ({ handle }) => {
        const own = { handles: [handle], auth: emptyPassword() };
        const loaded = await ask({ name: "load", ...own, parameters, answersHandles: 1 }, connection);
        return flushed(loaded.handle, connection, () => {
          const plain = { handles: [loaded.handle], auth: emptyPassword() };
          return ask({ name: "unseal", ...plain, parameters: nothing }, connection);
        });
      }),
    );
    expect(await codeOf(attempt)).toBe("tpm/unavailable");
  });

  it("is not sealed to registers whose bank is not there, and needs an owner without a password", async () => {
    const owned = await startTpm();
    const password = concatBytes(u16be(8), utf8("planted!"));
    await raw(0x129, [0x40000001], password, owned.device); // TPM2_HierarchyChangeAuth
    const refused = sealKey(KEY, { device: owned.device, pcrs: [7] }, deviceParts);
    await expect(refused).rejects.toMatchObject({ code: "tpm/unavailable", detail: { returned: "0x9a2" } });
    await owned.remove();
  });

  it("is refused with a sentence where the file is none, or the TPM is not there", async () => {
    writeFileSync(join(folder, "none"), "nothing\n");
    await expect(open("none")).rejects.toMatchObject({ code: "kek/unavailable" });
    await expect(open("absent")).rejects.toMatchObject({ code: "kek/unavailable" });
    for (const device of ["/dev/tpm-that-is-not", "unix:/nowhere", "tcp:127.0.0.1:1"]) {
      expect(await codeOf(unsealKey(sealed, device, deviceParts))).toMatch(
        /^(tpm\/unavailable|config\/invalid)$/,
      );
    }
  });

  describe("with somebody on the bus", () => {
    beforeEach(() => tpm.reboot()); // who lies about handles leaves things loaded
    it("crosses it encrypted, both ways", async () => {
      const bus = await listening(tpm.device, (bytes) => bytes);
      const own = await sealKey(KEY, { device: bus.device, pcrs: [7] }, deviceParts);
      expect(await unsealKey(own, bus.device, deviceParts)).toEqual(KEY);
      const heard = Buffer.concat(bus.heard);
      expect(heard.length).toBeGreaterThan(2000);
      for (let at = 0; at + 8 <= KEY.length; at += 8)
        expect(heard.includes(Buffer.from(KEY.slice(at, at + 8)))).toBe(false);
      await bus.close();
    });

    it("is given out for no answer that was changed on the way", async () => {
      const whole = await listening(tpm.device, (bytes) => bytes);
      await unsealKey(sealed, whole.device, deviceParts);
      await whole.close();
      const flips = whole.answers.flatMap(({ length: size }, turn) =>
        [0, 2, 9, 10, 13, 20, size >> 1, size - 40, size - 1].map((at) => ({ turn, at })),
      );
      for (const { turn, at } of flips) {
        const code = await codeOf(through(turn, (bytes) => flipped(bytes, at))); // in order: one TPM
        const harmless = code === "opened" && HARMLESS.includes(whole.codes[turn] ?? 0);
        if (!harmless)
          expect(code, `${turn}, ${at}`).toMatch(/^(tpm\/(unavailable|malformed)|kek\/unavailable)$/);
      }
      expect(whole.codes).toEqual([0x131, 0x176, 0x157, 0x165, 0x176, 0x17f, 0x15e, 0x165, 0x165, 0x165]);
    });

    it("is given out for no answer that is cut off, too long, empty, or somebody else's", async () => {
      const hostile: readonly ((bytes: Uint8Array) => Uint8Array | undefined)[] = [
        (bytes) => concatBytes(bytes, Uint8Array.of(0)),
        () => concatBytes(u16be(0x8001), u32be(0xffff_ffff), u32be(0)),
        () => concatBytes(u16be(0x8002), u32be(10), u32be(0)),
        () => concatBytes(u16be(0x8001), u32be(10), u32be(0)),
        () => concatBytes(u16be(0x8001), u32be(9), u32be(0)),
        () => utf8("HTTP/1.1 400 Bad Request\r\n\r\n"),
        () => undefined,
      ];
      for (const turn of [0, 1, 2, 3]) {
        for (const answer of hostile) {
          const code = await codeOf(through(turn, answer)); // in order: one TPM
          expect(code, `answer ${turn}`).toMatch(/^tpm\/(unavailable|malformed)$/);
        }
      }
    });

    it("is sealed to no storage key but one of the template, on its curve", async () => {
      const bus = await listening(tpm.device, (bytes) => bytes);
      await sealKey(KEY, { device: bus.device, pcrs: [7] }, deviceParts);
      await bus.close();
      const publicArea = 20; // behind header, handle, size of the parameters and of the area
      for (const at of [4, 7, 12, 16, 18, 30, 40, 60, 80].map((offset) => publicArea + offset)) {
        const liar = await listening(tpm.device, (bytes, turn) => (turn === 0 ? flipped(bytes, at) : bytes));
        const attempt = sealKey(KEY, { device: liar.device, pcrs: [7] }, deviceParts);
        expect(await codeOf(attempt), `byte ${at}`).toBe("tpm/malformed"); // in order: one TPM
        await liar.close();
      }
    });

    /** Opens the key while one answer, by its place, is replaced. */
    async function through(
      turn: number,
      change: (bytes: Uint8Array) => Uint8Array | undefined,
    ): Promise<Uint8Array> {
      const bus = await listening(tpm.device, (bytes, at) => (at === turn ? change(bytes) : bytes));
      try {
        return await unsealKey(sealed, bus.device, deviceParts);
      } finally {
        await bus.close();
      }
    }
  });
});

/** Commands whose answer may be another: what counts of CreatePrimary's is compared with the file, and FlushContext is a courtesy. */
const HARMLESS = [0x131, 0x165];

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  if (at >= 0 && at < changed.length) changed[at] = (changed[at] ?? 0) ^ 1;
  else changed[0] = 0;
  return changed;
}

describe("an answer of a TPM", () => {
  const flush = { name: "flushContext", handles: [], parameters: u32be(0) } as const;
  const answering =
    (...parts: readonly Uint8Array[]) =>
    async () =>
      concatBytes(...parts);

  it("is whole when it is as long as it says", async () => {
    await ask(flush, answering(u16be(0x8001), u32be(10), u32be(0)));
  });

  it.each([
    ["longer than it says", [u16be(0x8001), u32be(10), u32be(0), Uint8Array.of(1)]],
    ["shorter than it says", [u16be(0x8001), u32be(11), u32be(0)]],
    ["of a session that nobody began", [u16be(0x8002), u32be(14), u32be(0), u32be(0)]],
    ["a refusal with more behind it", [u16be(0x8001), u32be(11), u32be(0x100), Uint8Array.of(1)]],
    ["a refusal in a session", [u16be(0x8002), u32be(10), u32be(0x100)]],
    ["cut off", [u16be(0x8001), u32be(6)]],
  ] as const)("is none when it is %s", async (_name, parts) => {
    expect(await codeOf(ask(flush, answering(...parts)))).toBe("tpm/malformed");
  });

  test.prop([fc.uint8Array({ maxLength: 64 }), fc.boolean()])(
    "is read or refused as malformed, whatever the bytes",
    async (bytes, isFramed) => {
      const framed = concatBytes(u16be(0x8001), u32be(bytes.length + 6), bytes);
      const code = await codeOf(ask(flush, answering(isFramed ? framed : bytes)));
      expect(["opened", "tpm/malformed", "tpm/unavailable"]).toContain(code);
    },
  );

  it("is asked for again a few times where the TPM says so, and then no more", async () => {
    const sent: number[] = [];
    const busy = patient(async () => {
      sent.push(1);
      return concatBytes(u16be(0x8001), u32be(10), u32be(sent.length < 3 ? 0x922 : 0));
    });
    await ask(flush, busy);
    expect(sent).toHaveLength(3);
    const never = patient(answering(u16be(0x8001), u32be(10), u32be(0x922)));
    expect(await codeOf(ask(flush, never))).toBe("tpm/unavailable");
  });
});

describe("where a TPM is", () => {
  it.each(["/dev/tpmrm0", "/dev/tpm0", "unix:/run/tpm.socket", "tcp:127.0.0.1:2321", "tcp:[::1]:2321"])(
    "may be %s",
    (text) => expect(parseTpmDevice(text)).toBeDefined(),
  );

  it.each([
    "",
    "/etc/passwd",
    "/dev/../etc/passwd",
    "unix:relative",
    "tcp:10.0.0.7:2321",
    "tcp:localhost:2321",
    "tcp:127.0.0.1:0",
    "tcp:127.0.0.1:65536",
    "tcp:127.0.0.1",
    "http://127.0.0.1:2321",
  ])("is not %s", (text) => expect(parseTpmDevice(text)).toBeUndefined());
});

describe("the file of a sealed key", () => {
  const file: SealedFile = {
    id: KEY.slice(0, 16),
    pcrs: [0, 7, 23],
    values: [1, 2, 3].map((n) => new Uint8Array(32).fill(n)),
    parent: Uint8Array.of(1, 2),
    publicArea: Uint8Array.of(3),
    privateArea: Uint8Array.of(4, 5, 6),
  };

  it("is read as it was written", () => {
    expect(parseSealed(utf8(encodeSealed(file)))).toEqual(file);
  });

  test.prop([fc.uint8Array({ maxLength: 300 })])("is read or refused, whatever it holds", (bytes) => {
    const text = `ostiary-tpm-1:${base64UrlOf(bytes)}`;
    for (const given of [bytes, utf8(text)]) {
      try {
        expect(encodeSealed(parseSealed(given))).toBe(`${text}\n`);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: "kek/unavailable" });
      }
    }
  });

  it("is refused cut off, longer, or of another kind", () => {
    const text = encodeSealed(file).trim();
    for (const other of [
      text.slice(0, -3),
      `${text}AAAA`,
      text.replace("tpm-1", "tpm-2"),
      "",
      "ostiary-tpm-1:",
      "ÿ",
    ]) {
      expect(() => parseSealed(utf8(other))).toThrow(expect.objectContaining({ code: "kek/unavailable" }));
    }
  });
});
