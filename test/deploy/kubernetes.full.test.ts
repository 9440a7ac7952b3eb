/** Are the manifests what Kubernetes knows, to the last member, and do they say what a broker needs? Asked of its published types. */
import { spawnSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { ROUTES } from "../../src/http/routes.ts";
import { parseConfig } from "../../src/runtime/config.ts";
import { DATA_FILES } from "../../src/runtime/node/init.ts";

const ROOT = join(import.meta.dirname, "../..");
const TEXT = readFileSync(join(ROOT, "deploy/kubernetes/broker.yaml"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "ostiary-manifests-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

function documentsOf(text: string): readonly Json[] {
  return parseAllDocuments(text, { version: "1.1" }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
}

/** A value by the names and numbers that lead to it. */
function at(value: Json | undefined, ...way: readonly (string | number)[]): Json | undefined {
  return way.reduce<Json | undefined>(
    (here, step) => (typeof here === "object" && here !== null ? Reflect.get(here, step) : undefined),
    value,
  );
}

function ofKind(kind: string, text = TEXT): Json | undefined {
  return documentsOf(text).find((document) => at(document, "kind") === kind);
}

/** As literals beside the types of the API: TypeScript refuses members that a type has not, at any depth. */
function mistakesIn(text: string): string {
  const lines = documentsOf(text).map((document, i) => {
    const kind = String(at(document, "kind"));
    const [group = "", version] = String(at(document, "apiVersion")).split("/");
    const room = version === undefined ? `core/${group}` : `${group.replace(".k8s.io", "")}/${version}`;
    return `import type { ${kind} as T${i} } from "kubernetes-types/${room}";\nexport const d${i}: T${i} = ${JSON.stringify(document)};`;
  });
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  const link = join(folder, "node_modules/kubernetes-types");
  rmSync(link, { force: true });
  symlinkSync(join(ROOT, "node_modules/kubernetes-types"), link);
  writeFileSync(join(folder, "manifests.ts"), lines.join("\n"));
  const words = ["--noEmit", "--strict", "--skipLibCheck", "--module", "preserve", "--target", "es2022"];
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const run = spawnSync(process.execPath, [tsc, ...words, "manifests.ts"], { cwd: folder, encoding: "utf8" });
  return run.status === 0 ? "" : run.stdout;
}

describe("deploy/kubernetes/broker.yaml", () => {
  it("has only members that Kubernetes knows, of the types that it wants", () => {
    expect(mistakesIn(TEXT)).toBe("");
  });

  it.each([
    ["a member that is none", "readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"],
    ["a number as text", "replicas: 2", 'replicas: "2"'],
    [
      "a member in another place",
      "      enableServiceLinks: false\n",
      "      enableServiceLinks: false\n      replicas: 2\n",
    ],
    ["an interface that is gone", "kind: PodDisruptionBudget", "kind: PodSecurityPolicy"],
  ])("would be refused with %s", (_, from, to) => {
    expect(TEXT).toContain(from);
    expect(mistakesIn(TEXT.replace(from, to))).toMatch(/error TS/);
  });

  it("has a configuration that the broker reads, production, on PostgreSQL, with TLS", () => {
    const config = parseConfig(String(at(ofKind("ConfigMap"), "data", "ostiary.toml")), {});
    expect(config).toMatchObject({ mode: "production", kek: { wraps: { kind: "credential" } } });
    expect(config.listen.tls).toBeDefined();
    expect(config.listen.port).toBe(at(ofKind("Deployment"), ...BROKER, "ports", 0, "containerPort"));
  });

  it("has a configuration that starts, once the Secrets hold what `ostiary init` makes", () => {
    const cli = join(ROOT, "src/runtime/node/bin.mjs");
    const ostiary = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      spawnSync(process.execPath, [cli, ...words], { encoding: "utf8", env: { ...process.env, ...more } });
    const made = join(folder, "made");
    expect(ostiary(["init", "--data", made, "--tls", "ostiary.example", "--no-kds"]).status).toBe(0);
    const places = {
      keys: ["signing-key.pem", "ledger-key.pem"],
      credentials: ["kek.key"],
      tls: ["tls.crt", "tls.key"],
    };
    for (const [place, names] of Object.entries(places)) {
      mkdirSync(join(folder, place), { mode: 0o750 });
      for (const name of names) copyFileSync(join(made, MADE[name] ?? name), join(folder, place, name));
    }
    chmodSync(join(folder, "credentials/kek.key"), 0o440);
    mkdirSync(join(folder, "admins"));
    const admin = createPublicKey(readFileSync(join(made, "admin-key.pem"), "utf8"));
    writeFileSync(join(folder, "admins/admin-1.pem"), admin.export({ format: "pem", type: "spki" }));
    const config = join(folder, "ostiary.toml");
    const text = String(at(ofKind("ConfigMap"), "data", "ostiary.toml"));
    writeFileSync(config, text.replaceAll("/run/ostiary", folder));
    const environment = { CREDENTIALS_DIRECTORY: join(folder, "credentials") };
    const { status, stderr } = ostiary(["serve", "--check", "--config", config], environment);
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("mounts every file that the configuration names, and nothing writable", () => {
    const text = String(at(ofKind("ConfigMap"), "data", "ostiary.toml"));
    const mounts = listAt(ofKind("Deployment"), ...BROKER, "volumeMounts");
    const paths = mounts.map((mount) => `${String(at(mount, "mountPath"))}/`);
    const named = [...text.matchAll(/"(\/run\/[^"]+)"/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(5);
    for (const path of named)
      expect(
        paths.some((mounted) => path.startsWith(mounted)),
        path,
      ).toBe(true);
    expect(mounts.map((mount) => at(mount, "readOnly"))).toEqual(mounts.map(() => true));
    const volumes = listAt(ofKind("Deployment"), ...POD, "volumes").map((volume) => at(volume, "name"));
    expect(mounts.map((mount) => at(mount, "name"))).toEqual(volumes);
  });

  it("gives keys to nobody outside the pod's group", () => {
    for (const volume of listAt(ofKind("Deployment"), ...POD, "volumes")) {
      if (at(volume, "secret") !== undefined) expect(at(volume, "secret", "defaultMode")).toBe(0o440);
    }
  });

  it("confines every container: no root, no capability, no new privilege, a read-only root", () => {
    const pod = at(ofKind("Deployment"), ...POD);
    expect(at(pod, "securityContext")).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(at(pod, "automountServiceAccountToken")).toBe(false);
    const containers = [...listAt(pod, "containers"), ...listAt(pod, "initContainers")];
    for (const container of containers) {
      expect(at(container, "securityContext")).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
      expect(at(container, "resources", "limits", "memory")).toBeDefined();
      expect(String(at(container, "image"))).not.toMatch(/:latest$|^[^:]+$/);
    }
  });

  it("asks probes that the broker answers to anyone", () => {
    const open = ROUTES.filter(({ audience, method }) => audience === "anyone" && method === "GET");
    for (const probe of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      const path = at(ofKind("Deployment"), ...BROKER, probe, "httpGet", "path");
      expect(open.map((route) => route.path)).toContain(path);
    }
    expect(at(ofKind("Deployment"), ...BROKER, "readinessProbe", "httpGet", "path")).toBe("/readyz");
    expect(at(ofKind("Deployment"), ...BROKER, "livenessProbe", "httpGet", "path")).toBe("/healthz"); // a lost database is no reason to kill
  });

  it("selects the same pods everywhere, and keeps one of two through a disruption", () => {
    const labels = at(ofKind("Deployment"), "spec", "template", "metadata", "labels");
    expect(at(ofKind("Deployment"), "spec", "selector", "matchLabels")).toEqual(labels);
    expect(at(ofKind("Service"), "spec", "selector")).toEqual(labels);
    expect(at(ofKind("PodDisruptionBudget"), "spec", "selector", "matchLabels")).toEqual(labels);
    expect(at(ofKind("NetworkPolicy"), "spec", "podSelector", "matchLabels")).toEqual(labels);
    const least = Number(at(ofKind("PodDisruptionBudget"), "spec", "minAvailable"));
    expect(least).toBeGreaterThan(0);
    expect(least).toBeLessThan(Number(at(ofKind("Deployment"), "spec", "replicas")));
  });
});

/** What `init` calls a file that a Secret of type kubernetes.io/tls names otherwise. */
const MADE: Readonly<Record<string, string>> = {
  "tls.crt": DATA_FILES.tlsCertificate,
  "tls.key": DATA_FILES.tlsKey,
};

const POD = ["spec", "template", "spec"] as const;
const BROKER = [...POD, "containers", 0] as const;

function listAt(value: Json | undefined, ...way: readonly (string | number)[]): readonly Json[] {
  const found = at(value, ...way);
  return Array.isArray(found) ? found : [];
}
