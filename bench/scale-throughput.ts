/** How much more do two cores release than one? Processes of the broker, each on a core of its own, on one database. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DATA_FILES } from "../src/runtime/node/init.ts";
import { copy } from "../src/runtime/node/store.ts";
import { startPostgres, type TestServer } from "../test/support/postgres.ts";
import { keepToCores, onCores } from "./machine.ts";
import type { Result } from "./measure.ts";

export interface Throughput {
  readonly perSecond: number;
  readonly cpuMs: number;
}

/** Each process releases `count` times; they begin together, their requests made before. */
export async function throughputOf(
  folder: string,
  cores: readonly number[],
  count: number,
): Promise<Throughput> {
  const parts = cores.map((core) => begun(folder, core, count));
  await Promise.all(parts.map(({ ready }) => ready));
  for (const { child } of parts) child.stdin?.write("\n");
  const results = await Promise.all(parts.map(({ result }) => result));
  const releases = results.reduce((sum, { count: own }) => sum + own, 0);
  const cpuSeconds = results.reduce((sum, own) => sum + own.cpuSeconds, 0);
  const wallSeconds = Math.max(...results.map((own) => own.wallSeconds));
  return { perSecond: releases / wallSeconds, cpuMs: (cpuSeconds * 1000) / releases };
}

interface Part {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  readonly result: Promise<Result>;
}

function begun(folder: string, core: number, count: number): Part {
  const words = [join(import.meta.dirname, "scale-part.ts"), "throughput", folder, String(count)];
  const { command, args } = onCores([core], process.execPath, ...words);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ready = Promise.withResolvers<void>();
  const result = Promise.withResolvers<Result>();
  createInterface(child.stdout).on("line", (line) => {
    if (line === "ready") ready.resolve();
    else result.resolve(JSON.parse(line));
  });
  child.once("exit", (status) => {
    const early = new Error(`a process of the bench ended with ${status}`);
    ready.reject(early);
    result.reject(early); // changes nothing once it has spoken
  });
  return { child, ready: ready.promise, result: result.promise };
}

/** Moves a folder's database to a PostgreSQL of its own, with flushes as in earnest. */
export async function movedToPostgres(folder: string): Promise<TestServer> {
  const server = await startPostgres([]);
  server.psql("create database broker");
  const [path, before] = [join(folder, DATA_FILES.config), join(folder, "sqlite.toml")];
  const config = readFileSync(path, "utf8");
  renameSync(path, before);
  const url = `postgres://ostiary@localhost/broker?host=${server.host}`;
  writeFileSync(path, `${config.replace(/^database = .*\n/m, "")}\n[store]\nurl = "${url}"\n`);
  await copy(before, path);
  return server;
}

/** The server's work counts too: it gets the cores that its brokers have, and no other. */
export function keepServerTo({ folder }: TestServer, cores: readonly number[]): void {
  const postmaster = Number(readFileSync(join(folder, "data", "postmaster.pid"), "utf8").split("\n")[0]);
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8");
  keepToCores([postmaster, ...children.split(" ").filter(Boolean).map(Number)], cores);
}
