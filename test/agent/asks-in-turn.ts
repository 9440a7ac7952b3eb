/** What does another process of the guest do? `asks-in-turn.ts FOLDER LOG TIMES`: takes turns, and writes down when each begins and ends; with TIMES 0 it keeps its turn. */
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createSharedChannel } from "../../src/agent/providers/shared-channel.ts";

const [folder = "", log = "", times = "1"] = process.argv.slice(2);
const channel = createSharedChannel({
  folder,
  bootId: async () => "boot",
  milliseconds: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (milliseconds) => sleep(milliseconds),
  random: Math.random,
});

if (times === "0") {
  await channel.alone(async () => {
    appendFileSync(log, "holds\n");
    await sleep(600_000);
  });
}
for (let left = Number(times); left > 0; left -= 1) {
  await channel.alone(async () => {
    appendFileSync(log, `begin ${process.pid}\n`);
    await sleep(2);
    appendFileSync(log, `end ${process.pid}\n`);
  }); // in order: one turn after the other
}
