// What the HTTP API is measured against: the same framework and server, which only parse and validate the body.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { z } from "zod";

const duration = z.union([z.number(), z.string()]);
const body = z.object({
  id: z.string().length(26).optional(),
  dag: z.string().optional(),
  task: z.string().optional(),
  input: z.unknown(),
  priority: z.int().min(0).max(9).optional(),
  delay: duration.optional(),
  runAt: z.iso.datetime().optional(),
  tags: z.array(z.string()).optional(),
  keep: duration.optional(),
});

const app = new Hono();
app.post("/v1/runs", async (context) => {
  const { success, data } = body.safeParse(await context.req.json());
  if (!success) return context.json({ title: "invalid" }, 422);
  return context.json({ id: data.id, status: "created", state: "running" }, 201);
});

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`);
});
process.on("SIGTERM", () => server.close(() => process.exit()));
// Nobody would ever stop it again.
process.stdin.on("end", () => process.exit()).resume();
