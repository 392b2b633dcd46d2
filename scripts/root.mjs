import { fileURLToPath } from "node:url";

/** The repository's root as a URL that ends in a slash. */
export const root = new URL("../", import.meta.url);

/** A path inside the repository as the operating system writes it. */
export const pathOf = (relative) => fileURLToPath(new URL(relative, root));
