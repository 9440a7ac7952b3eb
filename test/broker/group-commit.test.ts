import { fc, it as prop } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { Fault } from "../../src/base/fault.ts";
import { createGroupCommit } from "../../src/broker/group-commit.ts";
import type { CommitOutcome, DecisionCommit } from "../../src/broker/store.ts";
import { commitOf } from "../contract/store/examples.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A commit function that keeps what it was given; `answer` says what becomes of each group. */
function recorder(answer: (group: readonly DecisionCommit[]) => Promise<readonly CommitOutcome[]>) {
  const groups: (readonly DecisionCommit[])[] = [];
  const commit = (group: readonly DecisionCommit[]) => {
    groups.push(group);
    return answer(group);
  };
  return { groups, commit };
}

let next = 0;
async function committed(group: readonly DecisionCommit[]): Promise<readonly CommitOutcome[]> {
  return group.map(() => {
    next += 1;
    return { kind: "committed", seq: next, exhausted: [] };
  });
}

describe("createGroupCommit", () => {
  it("joins commits of one loop turn into one flush, in the order they came", async () => {
    const { groups, commit } = recorder(committed);
    const join = createGroupCommit(commit, turn);
    const commits = [commitOf(), commitOf(), commitOf()];
    const outcomes = await Promise.all(commits.map(join));
    expect(groups).toEqual([commits]);
    const [first] = outcomes;
    const start = first?.kind === "committed" ? first.seq : 0;
    expect(outcomes).toEqual([0, 1, 2].map((i) => ({ kind: "committed", seq: start + i, exhausted: [] })));
  });

  it("takes at most 64 at once, the oldest first", async () => {
    const { groups, commit } = recorder(committed);
    const join = createGroupCommit(commit, turn);
    const commits = Array.from({ length: 150 }, () => commitOf());
    await Promise.all(commits.map(join));
    expect(groups.map((group) => group.length)).toEqual([64, 64, 22]);
    expect(groups.flat()).toEqual(commits);
  });

  it("gathers what arrives during a flush into the next one, and never runs two at once", async () => {
    const releases: (() => void)[] = [];
    const { groups, commit } = recorder(async (group) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return committed(group);
    });
    const join = createGroupCommit(commit, turn);
    const first = join(commitOf());
    await turn();
    const later = [join(commitOf()), join(commitOf())];
    await turn();
    await turn();
    expect(groups.map((group) => group.length)).toEqual([1]);
    releases[0]?.();
    await first;
    await turn();
    await turn();
    expect(groups.map((group) => group.length)).toEqual([1, 2]);
    releases[1]?.();
    await Promise.all(later);
  });

  it("gives every caller of a failed flush the store's fault, tries nothing twice, and goes on", async () => {
    const fault = new Fault("store/unavailable", "the disk is full");
    let isFull = true;
    const { groups, commit } = recorder(async (group) => {
      if (isFull) throw fault;
      return committed(group);
    });
    const join = createGroupCommit(commit, turn);
    const failed = await Promise.allSettled([join(commitOf()), join(commitOf())]);
    expect(failed).toEqual([0, 1].map(() => ({ status: "rejected", reason: fault })));
    isFull = false;
    await expect(join(commitOf())).resolves.toMatchObject({ kind: "committed" });
    expect(groups.map((group) => group.length)).toEqual([2, 1]);
  });

  it("rejects those who wait when the loop turn itself fails, and goes on afterwards", async () => {
    const { groups, commit } = recorder(committed);
    let isBroken = true;
    const join = createGroupCommit(commit, async () => {
      await turn();
      if (isBroken) throw new Fault("store/unavailable", "shutting down");
    });
    await expect(join(commitOf())).rejects.toMatchObject({ code: "store/unavailable" });
    isBroken = false;
    await expect(join(commitOf())).resolves.toMatchObject({ kind: "committed" });
    expect(groups).toHaveLength(1);
  });

  it("rejects a commit that the store gave no outcome", async () => {
    const join = createGroupCommit(async () => [], turn);
    await expect(join(commitOf())).rejects.toMatchObject({ code: "internal/invariant" });
  });

  const step = fc.record({
    arrivals: fc.integer({ min: 0, max: 90 }),
    turns: fc.integer({ min: 0, max: 3 }),
  });
  const moodsOf = fc.array(fc.constantFrom("ok", "fail", "slow"), { minLength: 1 });
  prop.prop([fc.array(step, { maxLength: 6 }), moodsOf])(
    "hands every commit to the store exactly once, in order, and answers each with its own outcome",
    async (steps, moods) => {
      const store = moodyStore(moods);
      const sent = await sendAll(createGroupCommit(store.commit, turn), steps);
      for (const { commit, settled } of sent) {
        const outcome = { kind: "committed", seq: seqOf(commit), exhausted: [] };
        if (store.hasFailed(commit)) expect(settled).toMatchObject({ reason: { code: "store/unavailable" } });
        else expect(settled).toEqual({ status: "fulfilled", value: outcome });
      }
      expect(store.groups.flat()).toEqual(sent.map(({ commit }) => commit));
      for (const group of store.groups) expect(group.length).toBeLessThanOrEqual(64);
      expect(store.mostAtOnce()).toBeLessThanOrEqual(1);
    },
  );
});

/** A commit function whose flushes succeed, fail or take their time, as told; its `seq` names the commit. */
function moodyStore(moods: readonly string[]) {
  let [running, most] = [0, 0];
  const failed = new Set<DecisionCommit>();
  const { groups, commit } = recorder(async (group) => {
    running += 1;
    most = Math.max(most, running);
    const mood = moods[(groups.length - 1) % moods.length];
    if (mood === "slow") await turn();
    running -= 1;
    if (mood !== "fail") return group.map((one) => ({ kind: "committed", seq: seqOf(one), exhausted: [] }));
    for (const one of group) failed.add(one);
    throw new Fault("store/unavailable", "as told");
  });
  return { groups, commit, hasFailed: (one: DecisionCommit) => failed.has(one), mostAtOnce: () => most };
}

/** Sends commits in bursts with loop turns between them; answers what became of each. */
async function sendAll(
  join: (commit: DecisionCommit) => Promise<CommitOutcome>,
  steps: readonly { readonly arrivals: number; readonly turns: number }[],
) {
  const commits: DecisionCommit[] = [];
  const answers: Promise<PromiseSettledResult<CommitOutcome>[]>[] = [];
  for (const { arrivals, turns } of steps) {
    const burst = Array.from({ length: arrivals }, () => commitOf());
    commits.push(...burst);
    answers.push(...burst.map((commit) => Promise.allSettled([join(commit)])));
    for (let i = 0; i < turns; i += 1) await turn();
  }
  const settled = (await Promise.all(answers)).flat();
  return commits.map((commit, i) => ({ commit, settled: settled[i] }));
}

function seqOf(commit: DecisionCommit): number {
  return Number(commit.id.slice(-12));
}
