import { storeContract } from "../contract/store.ts";
import { openedStore, temporaryPath } from "./temporary.ts";

storeContract("SQLite", async () => openedStore(temporaryPath(), "create"));
