import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { createKeySocket, type KeySocketPlan } from "../../../src/agent/luks/key-socket.ts";
import { unlockVolume } from "../../../src/agent/luks/unlock-volume.ts";
import type { SecretSource } from "../../../src/agent/secret-source.ts";
import { Fault } from "../../../src/base/fault.ts";
import { nodePrimitives } from "../../../src/runtime/node/primitives.ts";
import { codeOfPromise } from "../../support/faults.ts";
import { random } from "../demo-broker.ts";
import { heldSecrets } from "./held-secrets.ts";
import { folderIn, itWithCryptsetup, opensBy, realDisk } from "./real-disk.ts";

const place = folderIn("/dev/shm");
afterAll(place.remove);

const PATH = "prod/db1/luks";
const key = random(32);
const device = join(place.path, "disk");

/** The daemon's source, of which a key socket reads alone. */
function sourceOf(read: SecretSource["read"]): SecretSource {
  const never = (): Promise<never> =>
    Promise.reject(new Fault("internal/invariant", "a key socket reads alone"));
  return { read, readAnew: never, write: never, transit: never };
}

async function opened(
  plan: Partial<KeySocketPlan> = {},
  read: SecretSource["read"] = heldSecrets({ [PATH]: [key] }).read,
) {
  const run = join(place.path, "run");
  const whole = {
    name: "data",
    device,
    secret: PATH,
    socket: join(run, "data.sock"),
    header: join(run, "data.header"),
    ...plan,
  };
  const log: string[] = [];
  const stop = new AbortController();
  const door = createKeySocket(whole, { primitives: nodePrimitives });
  const parts = {
    log: (_: string, event: string, facts?: object) => void log.push(`${event} ${JSON.stringify(facts)}`),
    signal: stop.signal,
  };
  const open = await door.open(sourceOf(read), parts);
  onTestFinished(open.close);
  return { ...whole, log, close: open.close, stop };
}

/** All that whoever connects is given. */
function askedAt(socket: string): Promise<Buffer> {
  return new Promise((done, failed) => {
    const pieces: Buffer[] = [];
    connect(socket)
      .on("data", (piece) => pieces.push(piece))
      .on("error", failed)
      .on("close", () => done(Buffer.concat(pieces)));
  });
}

async function markedDisk(): Promise<void> {
  realDisk(device, key);
  await unlockVolume(
    { device, secret: PATH, adopt: true },
    { primitives: nodePrimitives, secrets: heldSecrets({ [PATH]: [key] }) },
  );
}

describe("a key socket", () => {
  itWithCryptsetup(
    "gives whoever connects the bytes of the key, and the header that it goes with",
    async () => {
      await markedDisk();
      const { socket, header, log, close } = await opened();
      expect([statSync(socket).mode & 0o777, statSync(header).mode & 0o777]).toEqual([0o600, 0o600]);
      expect(statSync(join(place.path, "run")).mode & 0o777).toBe(0o700);
      writeFileSync(device, new Uint8Array(32 << 20));
      expect([await askedAt(socket), await askedAt(socket)]).toEqual([Buffer.from(key), Buffer.from(key)]);
      expect(opensBy(header, key)).toBe(true);
      expect(log.join()).toContain(
        'key-given {"volume":"data","version":1,"decision":"01KB0000000000000000000001"}',
      );
      expect(log.join()).not.toContain(Buffer.from(key).toString("hex"));
      await close();
      expect([existsSync(socket), existsSync(header)]).toEqual([false, false]);
    },
  );

  itWithCryptsetup(
    "gives no byte at all where the broker refuses, or the header is not by its secret",
    async () => {
      await markedDisk();
      const refused = await opened({}, () =>
        Promise.reject(new Fault("policy/denied", "no", { id: "01KB" })),
      );
      expect((await askedAt(refused.socket)).length).toBe(0);
      expect(refused.log.join()).toContain(
        'key-refused {"volume":"data","code":"policy/denied","decision":"01KB"}',
      );
      await refused.close();
      const other = await opened({}, heldSecrets({ [PATH]: [random(32)] }).read);
      expect((await askedAt(other.socket)).length).toBe(0);
      expect(other.log.join()).toContain("disk/forged");
    },
  );

  itWithCryptsetup(
    "does not open for a disk without a marker, one of another secret, or one that is counted",
    async () => {
      realDisk(device, key);
      expect(await codeOfPromise(opened())).toBe("disk/no-marker");
      await markedDisk();
      expect(await codeOfPromise(opened({ secret: "prod/db2/luks" }))).toBe("disk/foreign");
      expect(await codeOfPromise(opened({ integrity: true }))).toBe("disk/bad-header");
      const secrets = heldSecrets({ [PATH]: [key] });
      await unlockVolume({ device, secret: PATH, isCounted: true }, { primitives: nodePrimitives, secrets });
      expect(await codeOfPromise(opened())).toBe("disk/counted");
    },
  );

  itWithCryptsetup(
    "lets nobody wait for ever: at its end who is inside gets nothing, and nobody after",
    async () => {
      await markedDisk();
      const inside = Promise.withResolvers<void>();
      const { socket, stop } = await opened({}, () => {
        inside.resolve();
        return new Promise(() => undefined);
      });
      const asked = askedAt(socket);
      await inside.promise;
      stop.abort();
      expect([(await asked).length, (await askedAt(socket)).length]).toEqual([0, 0]);
    },
  );
});

const SYSTEMD = "/lib/systemd/systemd-cryptsetup";
const itWithSystemd = existsSync(SYSTEMD)
  ? itWithCryptsetup
  : (name: string, _: () => Promise<void>) =>
      it.skip(`${name} (skipped: no systemd-cryptsetup here)`, () => {});

/** `systemd-cryptsetup attach`, as crypttab's line has it; where there is a device mapper, the mapping is taken away again. */
async function attach({ name, socket, header }: KeySocketPlan): Promise<string> {
  const volume = `ostiary-${name}-${process.pid}`;
  const words = ["attach", volume, device, socket, `luks,headless=1,tries=1,header=${header}`];
  const env = { ...process.env, SYSTEMD_LOG_LEVEL: "debug", SYSTEMD_LOG_TARGET: "console" };
  const child = spawn(SYSTEMD, words, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (said += String(piece)));
  await new Promise((done) => child.once("close", done));
  if (existsSync(`/dev/mapper/${volume}`)) spawn(SYSTEMD, ["detach", volume]);
  return said;
}

describe("systemd-cryptsetup", () => {
  itWithSystemd("comes for the key, with the header that was judged", async () => {
    await markedDisk();
    const plan = await opened();
    const before = readFileSync(plan.header);
    const said = await attach(plan);
    expect(said).toContain(`LUKS header: ${plan.header}`);
    expect(said).toMatch(/Activating volume .* using (passphrase|token)/);
    expect(plan.log.join()).toContain("key-given");
    expect(readFileSync(plan.header).equals(before)).toBe(true);
  });

  itWithSystemd("gets nothing where the broker refuses", async () => {
    await markedDisk();
    const plan = await opened({}, () => Promise.reject(new Fault("policy/denied", "no")));
    await attach(plan);
    expect(plan.log).toEqual([expect.stringContaining("key-refused")]);
  });
});
