// The API over a store, without the upkeep of `jobbers server`: for scenarios in which retention must not tidy up.
import { serve } from "@hono/node-server";
import { createApi } from "@jobbers/api";
import { connect } from "jobbers";

const jobbers = await connect(process.argv[2] as string);
const api = createApi({ store: jobbers.store });
const server = serve({ fetch: api.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
process.on("SIGTERM", () => server.close(() => void jobbers.close().then(() => process.exit())));
// Nobody would ever stop it again.
process.stdin.on("end", () => process.exit()).resume();
