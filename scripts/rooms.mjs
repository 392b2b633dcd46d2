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
  if (name === "client") return only("api");
  return only("core");
}

/** Tests may use the test kit besides, and those of the worker and the upkeep need some store to work on. */
const testRooms = { worker: ["testing", "store-sqlite"], upkeep: ["testing", "store-sqlite"] };

export function mayImport(place, room) {
  if (room === place.name || sourceRule(place)(room)) return true;
  return place.isTest && (testRooms[place.name] ?? ["testing", "core"]).includes(room);
}

/** Sentences for a refusal, by room, so that the error says why and not only no. */
export function reasonAgainst(place, room) {
  if (place.name === "core") return "core is pure and imports no other room";
  if (place.name === "client") return "the client knows nothing but the types of the api";
  return `only jobbers and apps join the rooms together; ${place.name} may import core, not ${room}`;
}

/** The client sees the api's types, never its code. */
export const typesOnlyImport = (place, room) => place.name === "client" && room === "api";

/** The room that a module specifier names, or undefined for packages of others. */
export function roomOf(specifier) {
  if (specifier === "jobbers" || specifier.startsWith("jobbers/")) return "jobbers";
  return /^@jobbers\/([^/]+)/.exec(specifier)?.[1];
}

/** Adapters and environment variables are chosen in the front door and in apps, nowhere else. */
export const mayReadEnvironment = ({ kind, name }) => kind === "apps" || name === "jobbers";
