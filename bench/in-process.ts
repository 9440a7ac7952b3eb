/** How much CPU is a release without HTTP? Challenge and release by function call, in a process that can be pinned; JSON out. */
import { makeDemoFolder } from "../src/runtime/node/demo-folder.ts";
import { openReleaseBench, releaseAll } from "./releases.ts";

const WARMING = 50;
const [folder = "", releases = "", concurrency = ""] = process.argv.slice(2);
const { secretPath } = await makeDemoFolder(folder, { isUnlimited: true });
const bench = await openReleaseBench(folder, [secretPath]);
await releaseAll(await bench.prepared(WARMING), 1, bench);
const requests = await bench.prepared(Number(releases)); // before the clock runs
const result = await releaseAll(requests, Number(concurrency), bench);
await bench.world.store.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
