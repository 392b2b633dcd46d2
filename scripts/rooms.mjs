// Who may import whom: docs of the rooms live in the design, this is the part that CI enforces.

const everything = () => true;
const only =
  (...rooms) =>
  (room) =>
    rooms.includes(room);

/** Which rooms a room may import in its sources. An adapter never knows another adapter, nor the worker. */
function sourceRule({ kind, name }) {
  if (kind === "apps" || name === "jobbers") return everything;
  if (name === "core") return only();
  if (name === "client") return only("api", "core");
  if (name === "api") return only("core", "runs");
  return only("core");
}

/** Tests may use the test kit besides, and those of the worker and the upkeep need some store to work on. */
const testRooms = {
  worker: ["testing", "store-sqlite"],
  upkeep: ["testing", "store-sqlite"],
  runs: ["testing", "store-sqlite", "core"],
  api: ["testing", "store-sqlite", "store-redis", "worker", "upkeep", "core", "runs"],
  client: ["testing", "store-sqlite", "worker", "core", "runs", "api"],
};

export function mayImport(place, room) {
  if (room === place.name || sourceRule(place)(room)) return true;
  return place.isTest && (testRooms[place.name] ?? ["testing", "core"]).includes(room);
}

/** Sentences for a refusal, by room, so that the error says why and not only no. */
export function reasonAgainst(place, room) {
  if (place.name === "core") return "core is pure and imports no other room";
  if (place.name === "client") return "the client knows nothing but the types of the api and of core";
  return `only jobbers and apps join the rooms together; ${place.name} may import core, not ${room}`;
}

/** The client sees the types of the api and of core, never their code: it runs in browsers. */
export const typesOnlyImport = (place, room) =>
  place.name === "client" && !place.isTest && (room === "api" || room === "core");

/** The room that a module specifier names, or undefined for packages of others. */
export function roomOf(specifier) {
  if (specifier === "jobbers" || specifier.startsWith("jobbers/")) return "jobbers";
  return /^@jobbers\/([^/]+)/.exec(specifier)?.[1];
}

/** Adapters and environment variables are chosen in the front door and in apps, nowhere else. */
export const mayReadEnvironment = ({ kind, name }) => kind === "apps" || name === "jobbers";
