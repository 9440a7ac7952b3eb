/** Which file may import which? The floors of ARCHITECTURE.md, as rules made from two tables. */

const FLOORS = [
  ["base"],
  ["attestation", "measurement", "keys", "ledger", "writ"],
  ["channel"],
  ["policy", "reference"],
  ["wire"],
  ["broker", "client"],
  ["http", "store", "kds", "oidc", "kek", "agent", "simulator", "posture", "sinks", "cli", "console"],
  ["runtime"],
];

const MAY_USE = {
  attestation: ["@peculiar/x509", "reflect-metadata"],
  keys: ["@noble/ciphers"],
  reference: ["cborg"],
  wire: ["valibot"],
  http: ["hono", "jose", "@valibot/to-json-schema"],
  oidc: ["jose"],
  store: ["drizzle-orm", "better-sqlite3", "postgres"],
  kek: ["koffi", "shamir-secret-sharing"],
  agent: ["koffi"],
  sinks: ["koffi"],
  console: ["codemirror", "@codemirror"],
};
const MAY_USE_NODE = ["agent", "kek", "store", "simulator", "sinks", "cli", "runtime"];
const MAY_USE_ANY_PACKAGE = ["runtime", "cli"];

/** One file per room through which its packages enter, on the floors that are audited. */
const DOORS = [
  ["attestation", "^src/attestation/endorsement/x509[.]ts$"],
  ["keys", "^src/keys/siv[.]ts$"],
  ["reference", "^src/reference/cbor[.]ts$"],
];

const rooms = FLOORS.flat();
const floorOf = (room) => FLOORS.findIndex((floor) => floor.includes(room));
const folders = (names) => `^src/(${names.join("|")})/`;
const packages = (names) => `(^|/)node_modules/(${names.join("|")})(/|$)`;

const floorRules = rooms.map((room) => ({
  name: `floor-${room}`,
  comment: "A file imports from its own room and from lower floors: never sideways, never up.",
  severity: "error",
  from: { path: `^src/${room}/` },
  to: {
    path: folders(rooms.filter((other) => other !== room && floorOf(other) >= floorOf(room)).concat("-")),
  },
}));

const packageRules = rooms
  .filter((room) => !MAY_USE_ANY_PACKAGE.includes(room))
  .map((room) => ({
    name: `packages-${room}`,
    comment: "A room uses the packages that the table gives it, and no other.",
    severity: "error",
    from: { path: `^src/${room}/` },
    to: {
      path: "(^|/)node_modules/",
      pathNot: MAY_USE[room] === undefined ? undefined : packages(MAY_USE[room]),
    },
  }))
  .map((rule) => {
    if (rule.to.pathNot === undefined) delete rule.to.pathNot;
    return rule;
  });

const nodeRules = [
  {
    name: "node-only-at-the-edges",
    comment: "Platform modules belong to the edges that need them.",
    severity: "error",
    from: { path: folders(rooms.filter((room) => !MAY_USE_NODE.includes(room))) },
    to: { dependencyTypes: ["core"] },
  },
];

const doorRules = DOORS.map(([room, door]) => ({
  name: `door-${room}`,
  comment: "On the audited floors a package enters through one named file.",
  severity: "error",
  from: { path: `^src/${room}/`, pathNot: door },
  to: { path: "(^|/)node_modules/" },
}));

const strangers = [
  { name: "no-cycles", from: {}, to: { circular: true } },
  { name: "nothing-unresolved", from: { path: "^src/" }, to: { couldNotResolve: true } },
  { name: "src-without-test", from: { path: "^src/" }, to: { path: "^test/" } },
  {
    name: "node-and-workers-are-strangers",
    from: { path: "^src/runtime/node/" },
    to: { path: "^src/runtime/workers/" },
  },
  {
    name: "workers-and-node-are-strangers",
    from: { path: "^src/runtime/workers/" },
    to: { path: "^src/runtime/node/" },
  },
  {
    name: "workers-without-node",
    from: { path: "^src/runtime/workers/" },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "workers-without-native-packages",
    from: { path: "^src/runtime/workers/" },
    to: { path: packages(["better-sqlite3", "postgres", "koffi"]), reachable: true },
  },
  {
    name: "no-simulator-in-production",
    comment: "The simulator must not be reachable from an entry point that serves or attests.",
    from: { path: "^src/runtime/(node/(broker|agent|agent-main)[.]ts|workers/)" },
    to: { path: "^src/simulator/", reachable: true },
  },
  {
    name: "reports-and-quotes-stand-alone",
    from: { path: "^src/attestation/(snp|tpm)/" },
    to: { path: "^src/attestation/(endorsement|azure|gcp|svsm)/" },
  },
].map((rule) => ({ severity: "error", ...rule }));

export default {
  forbidden: [...floorRules, ...packageRules, ...nodeRules, ...doorRules, ...strangers],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
