/** Are several processes on one PostgreSQL one broker, whichever of them is killed? */
import { severalProcesses } from "../contract/processes.ts";
import { useServer } from "../support/broker-on-postgres.ts";
import { describeWithPostgres, startPostgres } from "../support/postgres.ts";

describeWithPostgres("on a server", () => {
  severalProcesses(async () => {
    const server = await startPostgres([]); // with fsync
    server.psql("create database broker");
    return { use: (data) => useServer(data, server), remove: () => server.remove() };
  });
});
