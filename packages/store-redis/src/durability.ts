import { type Finding, NOT_PERMITTED } from "@jobbers/core";
import type { Facts } from "./facts.js";

const name = "persistence";

/** What a power cut or a crash would cost, in seconds of work that was acknowledged. */
export function durabilityFinding({ info, config }: Facts): Finding {
  const broken = brokenFinding(info);
  if (broken) return broken;
  const aof = config("appendonly") ?? (info("aof_enabled") === "1" ? "yes" : info("aof_enabled") && "no");
  if (aof === undefined) {
    const sentence = "ask whoever runs it what a crash loses, and whether appendonly is on";
    return { name, level: "warn", value: NOT_PERMITTED, sentence };
  }
  if (aof === "yes") return appendFinding(config("appendfsync"));
  const save = config("save");
  if (save === "") {
    const sentence = "a restart loses everything; turn appendonly on, unless that is what you want";
    return { name, level: "warn", value: "none", sentence };
  }
  const seconds =
    save &&
    Math.max(
      ...save
        .split(" ")
        .filter((_, i) => i % 2 === 0)
        .map(Number),
    );
  const sentence = `a crash loses what was acknowledged since the last snapshot${
    seconds ? `, up to about ${seconds} seconds of it or more` : ""
  }; turn appendonly on`;
  return { name, level: "warn", value: `RDB only${save ? `, save ${save}` : ""}`, sentence };
}

/** A server that cannot write its files refuses writes sooner or later. */
function brokenFinding(info: Facts["info"]): Finding | undefined {
  const failed = [
    ["rdb_last_bgsave_status", "the last snapshot"],
    ["aof_last_write_status", "the last write of the append-only file"],
    ["aof_last_bgrewrite_status", "the last rewrite of the append-only file"],
  ] as const;
  for (const [line, what] of failed) {
    const status = info(line);
    if (status === undefined || status === "ok") continue;
    const sentence = `${what} failed, so that Redis may refuse to write; look at its log and its disk`;
    return { name, level: "fail", value: `${line}: ${status}`, sentence };
  }
  return undefined;
}

/** Measured under a simulated power cut: `everysec` lost about the last second, `always` nothing. */
function appendFinding(fsync: string | undefined): Finding {
  switch (fsync) {
    case "always":
      return {
        name,
        level: "ok",
        value: "AOF, appendfsync always",
        sentence: "a crash or a power cut loses 0 seconds: nothing that was acknowledged",
      };
    case "everysec":
      return {
        name,
        level: "ok",
        value: "AOF, appendfsync everysec",
        sentence:
          "a power cut loses about one second of acknowledged work; a crash of Redis alone loses none. appendfsync always loses nothing, at about 3.4 times the latency",
      };
    case "no":
      return {
        name,
        level: "warn",
        value: "AOF, appendfsync no",
        sentence:
          "a power cut loses what the system has not written yet, often about 30 seconds; use appendfsync everysec or always",
      };
    default:
      return {
        name,
        level: "warn",
        value: `AOF, appendfsync ${fsync ?? NOT_PERMITTED}`,
        sentence: "ask whoever runs it whether appendfsync is everysec (about one second is lost) or always",
      };
  }
}
