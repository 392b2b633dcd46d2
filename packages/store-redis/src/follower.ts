import { createConnection, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { JobbersError } from "@jobbers/core";
import { AbstractConnector, type RedisOptions } from "ioredis";
import { askHolder, type Holder } from "./holder.js";
import type { Host, Route } from "./route.js";

/**
 * Connections that follow a store from server to server.
 *
 * Before each connecting, sentinels or nodes of the cluster are asked who has the store, one after the other. So one connection, to one
 * server, does for Sentinel and for Cluster what it does for a server alone: all keys of a store lie in one slot, and everything that is
 * looked at (INFO, SCAN, TIME) is that server's. While a connection stands, they are asked again every few seconds: a server that hangs,
 * or is cut off, never says that another one has taken its place.
 */

/** How often it is looked whether the store has moved. */
const WATCH_MS = 3_000;

/** What ioredis takes as a way of connecting. */
export function followerOf(
  route: Route,
  key: string,
  tls: RedisOptions["tls"],
): NonNullable<RedisOptions["Connector"]> {
  /** Who answered last is asked first, who did not goes to the end. */
  let guides: readonly Host[] = route.hosts;

  const find = async (): Promise<Holder> => {
    let trouble: unknown;
    for (const guide of guides) {
      try {
        return await askHolder(route, guide, key, tls);
      } catch (error) {
        if (!(trouble instanceof JobbersError)) trouble = error;
        passOver(guide);
      }
    }
    throw trouble;
  };
  const passOver = (guide: Host | undefined) => {
    if (guide) guides = [...guides.filter((each) => each !== guide), guide];
  };

  return class Follower extends AbstractConnector {
    constructor(options: unknown) {
      super((options as RedisOptions).disconnectTimeout ?? 2_000);
    }

    /** A guide that did not know yet that the roles have changed is asked last from now on. */
    override check({ role }: { role?: string }): boolean {
      if (!role || role === "master") return true;
      passOver(guides[0]);
      return false;
    }

    override async connect() {
      this.connecting = true;
      try {
        const holder = await find();
        if (!this.connecting) throw new Error("Connection is closed.");
        this.stream = tls
          ? connectTls({ ...tls, host: holder.host, port: holder.port })
          : createConnection({ host: holder.host, port: holder.port });
        watch(this.stream, holder);
      } catch (error) {
        this.firstError = error as Error;
        // To reject would end the client for ever; after a dead stream it tries again.
        this.stream = new Socket().destroy();
      }
      this.stream.once("error", (error) => {
        this.firstError = error;
      });
      return this.stream;
    }
  };

  function watch(stream: Socket, holder: Holder): void {
    let isLooking = false;
    const timer = setInterval(async () => {
      if (isLooking) return;
      isLooking = true;
      const now = await find().catch(() => holder);
      isLooking = false;
      if (now.id !== holder.id) stream.destroy();
    }, WATCH_MS);
    timer.unref();
    stream.once("close", () => clearInterval(timer));
  }
}
