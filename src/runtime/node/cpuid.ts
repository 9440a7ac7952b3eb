/** What does the hypervisor say of this VM's isolation? By the CPUID device of Linux, where there is one. */
import { open } from "node:fs/promises";

const DEVICE = "/dev/cpu/0/cpuid";
const HYPERV_ISOLATION = 0x4000_000c;
const EBX_AT = 4;

/** Hyper-V's isolation type: 2 is SEV-SNP, 3 is TDX; `undefined` where nobody says. */
export async function isolationType(): Promise<number | undefined> {
  try {
    const file = await open(DEVICE, "r");
    try {
      const registers = new Uint8Array(16);
      const { bytesRead } = await file.read(registers, 0, registers.length, HYPERV_ISOLATION);
      const type = (registers[EBX_AT] ?? 0) & 0xf;
      return bytesRead === registers.length && type !== 0 ? type : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
