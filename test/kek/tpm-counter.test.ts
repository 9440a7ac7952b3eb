/** Does a TPM count as the anchor of the log needs it: up only, over boots and removals, and in no voice but its own? */
import { afterAll, beforeAll, expect, it } from "vitest";
import { concatBytes, u16be, u32be } from "../../src/base/bytes.ts";
import { createCounter, incrementCounter, readCounter, removeCounter } from "../../src/kek/tpm/nv-counter.ts";
import { deviceParts } from "../../src/runtime/node/open-kek.ts";
import { describeWithSwtpm, raw, startTpm, type TestTpm } from "../support/swtpm.ts";
import { listening } from "../support/tpm-bus.ts";

const INDEX = 0x0180_0571;
const OWNER = 0x4000_0001;

describeWithSwtpm("a counter in a TPM", () => {
  let tpm: TestTpm;
  const place = () => ({ device: tpm.device, index: INDEX });
  const read = () => readCounter(place(), deviceParts);
  const increment = () => incrementCounter(place(), deviceParts);
  beforeAll(async () => {
    tpm = await startTpm();
  });
  afterAll(() => tpm.remove());

  it("is not there, then never counted, then counts by one", async () => {
    expect(await read()).toBeUndefined();
    await expect(increment()).rejects.toMatchObject({ code: "tpm/unavailable" });
    await removeCounter(place(), deviceParts);
    const first = await createCounter(place(), deviceParts);
    expect(await read()).toBe(0n);
    expect(await createCounter(place(), deviceParts)).toBe(first + 1n); // one that never counted gives way
    expect(await increment()).toBe(first + 1n);
    expect(await read()).toBe(first + 1n);
  });

  it("goes on after a boot, and above all that it had where it is removed and made anew", async () => {
    const before = (await read()) ?? 0n;
    await tpm.reboot();
    expect(await read()).toBe(before);
    await removeCounter(place(), deviceParts);
    expect(await read()).toBeUndefined();
    const first = await createCounter(place(), deviceParts);
    expect(first).toBeGreaterThan(before);
    expect(await increment()).toBe(first);
  });

  it("is no other thing that lies at its index, and cannot be made twice", async () => {
    await expect(createCounter(place(), deviceParts)).rejects.toMatchObject({ code: "tpm/unavailable" });
    const index = INDEX + 1;
    const area = concatBytes(u32be(index), u16be(0x000b), u32be(0x0204_0004), u16be(0), u16be(8)); // plain bytes, which anybody sets
    await raw(0x12a, [OWNER], concatBytes(u16be(0), u16be(area.length), area), tpm.device);
    const refused = { code: "tpm/unavailable", detail: { index: "0x1800572" } };
    await expect(readCounter({ ...place(), index }, deviceParts)).rejects.toMatchObject(refused);
  });

  it("is believed in no answer that was changed on the way", async () => {
    const whole = await listening(tpm.device, (bytes) => bytes);
    const now = await readCounter({ device: whole.device, index: INDEX }, deviceParts);
    await whole.close();
    const turn = whole.codes.indexOf(0x14e);
    const size = whole.answers[turn]?.length ?? 0;
    for (let at = 0; at < size; at += 1) {
      if (at >= 2 && at < 6) continue; // the size, for whose bytes a socket waits
      const bus = await listening(tpm.device, (bytes, i) => (i === turn ? flipped(bytes, at) : bytes));
      await expect(
        readCounter({ device: bus.device, index: INDEX }, deviceParts),
        `byte ${at}`,
      ).rejects.toMatchObject({
        code: expect.stringMatching(/^tpm\//),
      });
      await bus.close(); // in order: one TPM
    }
    expect(await read()).toBe(now);
  });

  it("is believed in no answer of an earlier time", async () => {
    const earlier = await listening(tpm.device, (bytes) => bytes);
    await readCounter({ device: earlier.device, index: INDEX }, deviceParts);
    await earlier.close();
    await increment();
    const turn = earlier.codes.indexOf(0x14e);
    const replay = await listening(tpm.device, (bytes, i) => (i === turn ? earlier.answers[i] : bytes));
    await expect(readCounter({ device: replay.device, index: INDEX }, deviceParts)).rejects.toMatchObject({
      code: "tpm/malformed",
    });
    await replay.close();
  });
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
