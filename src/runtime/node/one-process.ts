/** How does one of several processes run? As the first one orders; when that is gone, it is gone too (`node:cluster`). */
import cluster from "node:cluster";
import type { ExitStatus, Terminal } from "../../cli/command.ts";
import type { Counts } from "../../http/metrics.ts";
import { type RunningBroker, startBroker } from "./broker.ts";
import { type Order, orderOf, type Report } from "./process-messages.ts";
import { reloaded } from "./reload.ts";
import type { LoadedConfig } from "./settings.ts";
import { createSimulatedBroker } from "./simulator-provider.ts";

type ServeOrder = Extract<Order, { readonly say: "serve" }>;

/** Serves until it is told to end. What keeps it from serving is said, and is its exit status. */
export async function serveInOneProcess(loaded: LoadedConfig, terminal: Terminal): Promise<ExitStatus> {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => undefined); // the first one's business
  try {
    await served(loaded, terminal);
    return 0;
  } finally {
    cluster.worker?.disconnect();
  }
}

async function served(loaded: LoadedConfig, terminal: Terminal): Promise<void> {
  const orders = createOrders();
  const order = await Promise.race([orders.toServe, orders.toEnd]);
  if (order === undefined) return;
  const { number, of, port, clockWasAhead } = order;
  const { config } = loaded;
  const onPort = { ...loaded, config: { ...config, listen: { ...config.listen, port } } };
  const broker = await startBroker(onPort, {
    writeLog: terminal.err,
    simulator: createSimulatedBroker,
    clockWasAhead,
    part: { number, of, countsOfAll: orders.countsOfAll },
  });
  orders.serving(broker);
  await orders.toEnd;
  await broker.close();
}

interface Orders {
  readonly toServe: Promise<ServeOrder>;
  readonly toEnd: Promise<void>;
  /** From now on orders about this broker are carried out. */
  readonly serving: (broker: RunningBroker) => void;
  readonly countsOfAll: () => Promise<Counts>;
}

function createOrders(): Orders {
  const toServe = Promise.withResolvers<ServeOrder>();
  const toEnd = Promise.withResolvers<void>();
  let broker: RunningBroker | undefined;
  let asked: PromiseWithResolvers<Counts> | undefined;
  process.on("message", (message) => {
    const order = orderOf(message);
    if (order?.say === "serve") toServe.resolve(order);
    if (order?.say === "end") toEnd.resolve();
    if (order?.say === "reload" && broker !== undefined) reloaded(broker);
    if (order?.say === "count" && broker !== undefined) report({ say: "counts", counts: broker.counts() });
    if (order?.say === "counted") {
      asked?.resolve(order.counts);
      asked = undefined;
    }
  });
  report({ say: "listening" });
  return {
    toServe: toServe.promise,
    toEnd: toEnd.promise,
    serving: (started) => {
      broker = started;
      report({ say: "serving", url: started.url });
    },
    countsOfAll: () => {
      if (asked === undefined) {
        asked = Promise.withResolvers<Counts>(); // whoever asks meanwhile shares the answer
        report({ say: "count-all" });
      }
      return asked.promise;
    },
  };
}

function report(message: Report): void {
  process.send?.(message);
}
