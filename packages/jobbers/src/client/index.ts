/**
 * The HTTP client, for programs that have `jobbers` alone. It loads nothing of the engine, so that it runs in browsers too.
 *
 * @module
 */
export * from "@jobbers/client";
