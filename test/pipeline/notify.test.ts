/** Does no policy go live that would have somebody told who is unknown here? */
import { describe, expect, it } from "vitest";
import { guestBroker, makeLive, POLICY } from "./guest-at-hand.ts";

const LOUD = POLICY.replace("audit full", 'notify "ciso" "pager" audit full');

describe("a policy that says notify", () => {
  it("is not activated where a name of it is nobody here", async () => {
    const broker = await guestBroker({ policy: null });
    await expect(makeLive(broker, LOUD, 1)).rejects.toMatchObject({ detail: { status: 409 } });
    expect((await broker.admin.listBundles()).live).toBeUndefined();
  });

  it("is activated where each name of it is somebody, and not where one is missing", async () => {
    const known = (notifies: readonly string[]) =>
      guestBroker({ policy: LOUD, change: (world) => ({ settings: { ...world.settings, notifies } }) });
    const { admin } = await known(["pager", "ciso"]);
    expect((await admin.listBundles()).live?.serial).toBe(1);
    await expect(known(["ciso"])).rejects.toMatchObject({ detail: { status: 409 } });
  });
});
