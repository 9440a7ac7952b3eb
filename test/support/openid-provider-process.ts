/** The provider as a process: it says where it is, and whoever it was started for types each code that it gives out. */
import { argv, stdout } from "node:process";
import { startProvider } from "./openid-provider.ts";

const [, , person = "nobody"] = argv;
const codes: string[] = [];
const provider = await startProvider(0, (code) => {
  if (codes.includes(code)) return;
  codes.push(code);
  setImmediate(() => void provider.visit(`${provider.issuer}/device?user_code=${code}`, person));
});
stdout.write(`${provider.issuer}\n`);
