import { describe, expect, it } from "vitest";
import { inheritedSockets } from "../../../src/runtime/node/inherited-sockets.ts";

const OWN = String(process.pid);

describe("sockets that systemd passed", () => {
  it("are none where they were meant for another process, or where it passed none", () => {
    const none = [
      {},
      { LISTEN_PID: "1", LISTEN_FDS: "1" },
      { LISTEN_PID: OWN },
      { LISTEN_PID: OWN, LISTEN_FDS: "0" },
      { LISTEN_PID: OWN, LISTEN_FDS: "one" },
    ];
    for (const environment of none) {
      const passed = inheritedSockets(environment);
      expect([passed.rest(), passed.take("/run/ostiary/disk.sock")]).toEqual([[], undefined]);
    }
  });

  it("have a path each: anything else that stands there is refused", () => {
    expect(() => inheritedSockets({ LISTEN_PID: OWN, LISTEN_FDS: "250" })).toThrow(
      expect.objectContaining({ code: "config/invalid" }),
    );
  });
});
