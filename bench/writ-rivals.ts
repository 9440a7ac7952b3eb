/** How do other engines say and judge eleven conditions? The same policy in Writ, CEL and Cedar, each prepared beforehand. */
import { preparsePolicySet, statefulIsAuthorized } from "@cedar-policy/cedar-wasm/nodejs";
import { parse } from "@marcbachmann/cel-js";
import { SNP_VOCABULARY } from "../src/policy/vocabulary.ts";
import { evaluate } from "../src/writ/evaluation/evaluator.ts";
import type { FactValue } from "../src/writ/facts.ts";
import { compileAll } from "./writ-sources.ts";

const IMAGE = "ab".repeat(48);

const WRIT = `writ 1
policy eleven {
  for resource "prod/disk"
  require measurement == hex"${IMAGE}"
  require product == genoa
  require not guest.debug
  require not guest.migrate_ma
  require vmpl == 0
  require request.nonce_age <= 60s
  require request.channel in [application, ra-tls, tls-exporter]
  require id_block.guest_svn >= 7
  require tcb.committed.snp >= 23
  require has client.tenant and client.tenant == "acme"
  allow when request.op == release
}
`;

const CEL = `measurement == "${IMAGE}" && product == "genoa" && !guest.debug && !guest.migrate_ma && vmpl == 0
  && request.nonce_age <= 60000 && request.channel in ["application", "ra-tls", "tls-exporter"]
  && id_block.guest_svn >= 7 && tcb.snp >= 23 && has(client.tenant) && client.tenant == "acme" && request.op == "release"`;

const CEDAR = `permit(principal, action, resource) when {
  context.measurement == "${IMAGE}" && context.product == "genoa" && !context.guest.debug && !context.guest.migrate_ma
  && context.vmpl == 0 && context.request.nonce_age <= 60000
  && ["application", "ra-tls", "tls-exporter"].contains(context.request.channel)
  && context.id_block.guest_svn >= 7 && context.tcb.snp >= 23
  && context.client has tenant && context.client.tenant == "acme" && context.request.op == "release" };`;

/** Eight requests that differ in what none of the conditions asks exactly; every engine allows them all. */
const AGES = [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000];

export interface Engine {
  readonly name: string;
  /** Judges {@link AGES} once. */
  readonly judgeAll: () => void;
}

export const REQUESTS = AGES.length;

export function engines(): readonly Engine[] {
  return [writEngine(), celEngine(), cedarEngine()].map(({ name, answers }) => ({
    name,
    judgeAll: () => {
      for (const answer of answers) if (!answer()) throw new Error(`${name} refused a request of the bench`);
    },
  }));
}

interface Answering {
  readonly name: string;
  readonly answers: readonly (() => boolean)[];
}

function writEngine(): Answering {
  const program = compileAll([{ path: "eleven.writ", text: WRIT }], "");
  const answers = AGES.map((age) => {
    const facts = new Map<string, FactValue>(SNP_VOCABULARY.ordinary["genoa"])
      .set("request.resource", "prod/disk")
      .set("now", 1_800_000_000)
      .set("measurement", IMAGE)
      .set("request.nonce_age", age)
      .set("id_block.guest_svn", 7)
      .set("client.tenant", "acme");
    return () => evaluate(program, facts).isAllowed;
  });
  return { name: "Writ", answers };
}

function contextOf<T>(age: number, number: (value: number) => T) {
  return {
    measurement: IMAGE,
    product: "genoa",
    guest: { debug: false, migrate_ma: false },
    vmpl: number(0),
    request: { nonce_age: number(age), channel: "application", op: "release" },
    id_block: { guest_svn: number(7) },
    tcb: { snp: number(23) },
    client: { tenant: "acme" },
  };
}

function celEngine(): Answering {
  const expression = parse(CEL);
  return {
    name: "cel-js",
    answers: AGES.map((age) => {
      const context = contextOf(age, BigInt);
      return () => expression(context) === true;
    }),
  };
}

function cedarEngine(): Answering {
  const { type } = preparsePolicySet("eleven", { staticPolicies: CEDAR });
  if (type !== "success") throw new Error("Cedar does not read the policy of the bench");
  return {
    name: "cedar-wasm",
    answers: AGES.map((age) => {
      const call = {
        principal: { type: "Guest", id: "g" },
        action: { type: "Action", id: "release" },
        resource: { type: "Secret", id: "prod/disk" },
        context: contextOf(age, Number),
        preparsedPolicySetId: "eleven",
        validateRequest: false,
        entities: [],
      };
      return () => {
        const answer = statefulIsAuthorized(call);
        return answer.type === "success" && answer.response.decision === "allow";
      };
    }),
  };
}
