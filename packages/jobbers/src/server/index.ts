/**
 * The HTTP API for programs: to be started as a server, or mounted in one that is there.
 *
 * @module
 */
export { type Api, type ApiDeps, createApi } from "@jobbers/api";
export { DEFAULT_HOST, DEFAULT_PORT, type JobbersServer, type ServerOptions, startServer } from "./server.js";
