import type { Scenario } from "../../scenario.js";
import { measureListing, what } from "../../scenarios/listing.js";
import type { Bed } from "../bed.js";

/** Listing runs of a server. */
export const listing: Scenario<Bed> = {
  name: "listing",
  what,
  measure: ({ url }, scale) => measureListing(url, scale),
};
