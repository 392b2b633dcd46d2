import { JobbersError, quoted } from "@jobbers/core";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Makes the check of `Host`: without it a page could reach a loopback server through a name of its own (DNS rebinding). */
export function createHostCheck(hosts: readonly string[] = LOOPBACK): (host: string) => void {
  if (hosts.includes("*")) return () => undefined;
  const allowed = new Set(hosts.map((host) => host.toLowerCase()));
  return (host) => {
    const name = host.toLowerCase();
    if (allowed.has(name) || allowed.has(name.replace(/:\d{1,5}$/, ""))) return;
    throw new JobbersError("host-not-allowed", `the host ${quoted(host)} is not one of ${hosts.join(", ")}`);
  };
}
