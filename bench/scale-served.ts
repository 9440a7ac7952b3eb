/** How much more does a broker of two processes serve on two cores than one of one on one? Over HTTP, as it is in earnest. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DemoFolder } from "../src/runtime/node/demo-folder.ts";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { decodeChallenge, encodeChallengeRequest } from "../src/wire/challenge.ts";
import { encodeEvidenceRequest } from "../src/wire/release.ts";
import { prepareRequest } from "./guests.ts";
import { onCores } from "./machine.ts";
import { runAll } from "./measure.ts";
import { openRaw, type RawConnection, rawPost } from "./raw-http.ts";
import type { Throughput } from "./scale-throughput.ts";
import { cpuSecondsOf, startServe } from "./served.ts";

/** As many as make it likely that the system spreads them evenly. */
const CONNECTIONS = 64;
/** Until then V8 compiles, in each process anew. */
const WARMING = 800;
const CHALLENGE = rawPost("/v1/challenge", encodeChallengeRequest({ binding: 3 }));

/** One process for each core; all of the broker's threads and processes have these cores and no other. */
export async function servedThroughputOf(
  demo: DemoFolder,
  cores: readonly number[],
  count: number,
): Promise<Throughput> {
  setProcesses(demo, cores.length);
  const broker = await startServe(demo, (command, ...args) => onCores(cores, command, ...args));
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => openRaw(broker.url)));
  try {
    const requests = await prepared(demo, connections, WARMING + count);
    await releaseAll(requests.slice(0, WARMING), connections);
    const before = cpuOf(broker.pid);
    const { wallSeconds } = await releaseAll(requests.slice(WARMING), connections);
    return { perSecond: count / wallSeconds, cpuMs: ((cpuOf(broker.pid) - before) * 1000) / count };
  } finally {
    for (const connection of connections) connection.end();
    await broker.stop();
  }
}

function setProcesses(demo: DemoFolder, processes: number): void {
  const path = join(demo.folder, DATA_FILES.config);
  const config = readFileSync(path, "utf8");
  writeFileSync(
    path,
    config.replace(/^port = (\d+)\n(processes = .*\n)?/m, `port = $1\nprocesses = ${processes}\n`),
  );
}

async function prepared(
  demo: DemoFolder,
  connections: readonly RawConnection[],
  count: number,
): Promise<readonly Buffer[]> {
  const { machine, audience, signingKey, secretPath: path } = demo;
  const requests: Buffer[] = [];
  for (let i = 0; i < count; i += 1) {
    const answer = await connections[i % CONNECTIONS]?.ask(CHALLENGE); // in order: not measured
    const { nonce } = decodeChallenge(Uint8Array.from(answer ?? []));
    const request = await prepareRequest(nonce, { machine, audience, signingKey, path });
    requests.push(rawPost("/v1/release", encodeEvidenceRequest(request)));
  }
  return requests;
}

/** Each connection has one request under way, and takes the next when it is answered. */
function releaseAll(requests: readonly Buffer[], connections: readonly RawConnection[]) {
  const free = [...connections];
  const jobs = requests.map((request) => async () => {
    const connection = free.pop();
    await connection?.ask(CHALLENGE);
    await connection?.ask(request);
    if (connection !== undefined) free.push(connection);
  });
  return runAll(jobs, connections.length);
}

function cpuOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  return [pid, ...children].reduce((sum, one) => sum + cpuSecondsOf(one), 0);
}
