/** Does nothing go on when the clock goes back while the broker runs? */
import { describe, expect, it } from "vitest";
import { instant } from "../../src/base/time.ts";
import { forwardClock } from "../../src/broker/clock.ts";
import { attemptOf, guestBroker, post } from "../pipeline/guest-at-hand.ts";

describe("a clock", () => {
  it("may stand still, run on and be put back a little, also often", () => {
    let time = 1_800_000_000;
    const clock = forwardClock(() => instant(time));
    for (const step of [0, 0, 5, -100, 90, 3600, -120]) {
      time += step;
      expect(clock()).toBe(time);
    }
    time -= 1;
    expect(clock).toThrowError(expect.objectContaining({ code: "clock/behind" }));
    time += 1;
    expect(clock()).toBe(time);
  });

  it("does not creep back by many small steps", () => {
    let time = 1_800_000_000;
    const clock = forwardClock(() => instant(time));
    clock();
    time -= 100;
    clock();
    time -= 100;
    expect(clock).toThrowError(expect.objectContaining({ code: "clock/behind" }));
  });
});

describe("a broker whose clock goes back an hour", () => {
  it("releases nothing, gives no nonce, and goes on when the clock is right", async () => {
    const broker = await guestBroker({ change: ({ now }) => ({ now: forwardClock(now) }) });
    const attempt = await attemptOf(broker);
    const size = await broker.world.store.ledgerSize();
    broker.pass(-3600);
    for (const [path, body] of [
      ["/v1/release", attempt.body],
      ["/v1/challenge", '{"binding":3}'],
    ] as const) {
      const refused = await post(broker, path, body);
      expect(refused.status, path).toBe(503);
      expect(await refused.json()).toMatchObject({ type: "urn:ostiary:problem:try-later" });
    }
    expect(await broker.world.store.ledgerSize()).toBe(size);
    broker.pass(3600);
    expect((await post(broker, "/v1/release", attempt.body)).status).toBe(200);
  });
});
