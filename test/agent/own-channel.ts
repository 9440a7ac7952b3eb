/** By what does a test take turns? By a folder of its own, at the pace of a clock that runs as it is slept. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createSharedChannel, type SharedChannel } from "../../src/agent/providers/shared-channel.ts";

export interface ChannelPlan {
  readonly folder?: string;
  readonly boot?: string;
  /** What was slept, in milliseconds. */
  readonly slept?: number[];
  /** What its clock says when it is made. */
  readonly milliseconds?: number;
}

export function ownChannel({
  folder = ownFolder(),
  boot = "boot",
  slept = [],
}: ChannelPlan = {}): SharedChannel {
  let now = 1000;
  return createSharedChannel({
    folder,
    bootId: async () => boot,
    milliseconds: () => now,
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      now += milliseconds;
    },
    random: () => 0.5,
  });
}

export function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ostiary-turns-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
