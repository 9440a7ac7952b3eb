/** What do the processes of one broker say to each other? Short messages, read as strictly as anything that arrives. */
import * as v from "valibot";

const number = v.pipe(v.number(), v.integer(), v.minValue(1));
const amount = v.pipe(v.number(), v.minValue(0));

const COUNTS = v.strictObject({
  counters: v.record(v.string(), v.record(v.string(), amount)),
  histograms: v.record(
    v.string(),
    v.strictObject({ counts: v.pipe(v.array(amount), v.readonly()), sum: amount }),
  ),
});

/** What the first process says, which holds neither keys nor the database. */
const ORDER = v.variant("say", [
  v.strictObject({ say: v.literal("serve"), number, of: number, port: number, clockWasAhead: v.boolean() }),
  v.strictObject({ say: v.literal("reload") }),
  v.strictObject({ say: v.literal("count") }),
  v.strictObject({ say: v.literal("counted"), counts: COUNTS }),
  v.strictObject({ say: v.literal("end") }),
]);

/** What those that serve say; `listening` first, since what was said before it is heard by nobody. */
const REPORT = v.variant("say", [
  v.strictObject({ say: v.literal("listening") }),
  v.strictObject({ say: v.literal("serving"), url: v.string() }),
  v.strictObject({ say: v.literal("counts"), counts: COUNTS }),
  v.strictObject({ say: v.literal("count-all") }),
]);

export type Order = v.InferOutput<typeof ORDER>;
export type Report = v.InferOutput<typeof REPORT>;

/** `undefined` for what is no order. */
export function orderOf(message: unknown): Order | undefined {
  const read = v.safeParse(ORDER, message);
  return read.success ? read.output : undefined;
}

/** `undefined` for what is no report. */
export function reportOf(message: unknown): Report | undefined {
  const read = v.safeParse(REPORT, message);
  return read.success ? read.output : undefined;
}
