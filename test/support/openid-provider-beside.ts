/** Who signs people in while a test waits for a program and does nothing else? The provider as a process of its own, where somebody types each code. */
import { spawn } from "node:child_process";
import { join } from "node:path";

export async function startProviderProcess(
  person: string,
): Promise<{ readonly issuer: string; readonly stop: () => void }> {
  const program = join(import.meta.dirname, "openid-provider-process.ts");
  const child = spawn(process.execPath, [program, person], { stdio: ["ignore", "pipe", "ignore"] });
  const issuer = await new Promise<string>((found, failed) => {
    child.once("exit", () => failed(new Error("the provider ended")));
    child.stdout.on("data", (piece) => {
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(String(piece)) ?? [];
      if (url !== undefined) found(url);
    });
  });
  return { issuer, stop: () => void child.kill() };
}
