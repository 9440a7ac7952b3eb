/** Which doors has the daemon? One for each thing that its file names, in the order in which they open; each section's owner adds a line. */
import { env } from "node:process";
import { createCredentialDoor } from "../../agent/credential-door.ts";
import { createFilesDoor, type FilePlan } from "../../agent/files-door.ts";
import type { Health } from "../../agent/health.ts";
import { createHealthDoor } from "../../agent/health-door.ts";
import type { InheritedSockets } from "../../agent/local-socket.ts";
import { createKeySocket } from "../../agent/luks/key-socket.ts";
import { actOnChange } from "../../agent/on-change.ts";
import type { Door } from "../../agent/secret-source.ts";
import { parseTemplate } from "../../agent/template.ts";
import type { AgentConfig } from "../agent-config.ts";
import type { FileConfig } from "../agent-places-config.ts";
import { fileRightsOf } from "./accounts.ts";
import { systemNow } from "./clock.ts";
import { pemOf } from "./named-files.ts";
import { nodePrimitives } from "./primitives.ts";
import { vaultDoorsOf } from "./vault-doors.ts";

export interface DoorWorld {
  readonly inherited: InheritedSockets;
  readonly health: Health;
  readonly cacheSize: () => { readonly entries: number; readonly bytes: number };
}

/**
 * Doors that wait for nobody come first, so that applications wait at them and not before them; files last, since they need the broker.
 *
 * @throws {@link Fault} `config/invalid`, `file/unusable` for what the schema alone could not see.
 */
export async function doorsOf(config: AgentConfig, world: DoorWorld): Promise<readonly Door[]> {
  const { inherited, health, cacheSize } = world;
  const place = config.serve.health;
  const credentials = config.credentials.map(async ({ rights, ...plan }) =>
    createCredentialDoor({ ...plan, rights: await fileRightsOf(rights) }, inherited),
  );
  const files = await Promise.all(config.files.map(filePlanOf));
  const parts = { now: systemNow, random: Math.random, onState: health.onFile };
  return [
    ...(place === undefined ? [] : [createHealthDoor(place, { health, inherited, cacheSize })]),
    ...(await vaultDoorsOf(config.vaults, inherited)),
    ...config.disks.map((disk) => createKeySocket(disk, { primitives: nodePrimitives, inherited })),
    ...(await Promise.all(credentials)),
    ...(files.length === 0 ? [] : [createFilesDoor(files, parts)]),
  ];
}

async function filePlanOf({ path, content, rights, refreshMs, onChange }: FileConfig): Promise<FilePlan> {
  const action = onChange === undefined ? undefined : () => actOnChange(onChange, env);
  return {
    path,
    parts: await partsOf(content),
    rights: await fileRightsOf(rights),
    refreshMs,
    ...(action === undefined ? {} : { onChange: action }),
  };
}

async function partsOf(content: FileConfig["content"]): Promise<FilePlan["parts"]> {
  if ("secret" in content) return [{ path: content.secret, format: content.format }];
  return parseTemplate("template" in content ? content.template : await pemOf(content.templateFile));
}
