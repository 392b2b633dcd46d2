import { hash, timingSafeEqual } from "node:crypto";
import { JobbersError } from "@jobbers/core";

const form = /^jb_([A-Za-z0-9-]{1,64})_[A-Za-z0-9_-]{16,256}$/;
const bearer = /^Bearer +([\x21-\x7e]{1,400}) *$/i;

/** Tells whether the value of an `Authorization` header brings a token that is known. */
export type TokenCheck = (authorization: string | undefined) => boolean;

/**
 * Makes the check of tokens; only their hashes are kept. What is compared takes as long for an unknown id as for a known one.
 *
 * @throws JobbersError `flag-invalid`, which shows no token
 */
export function createTokenCheck(tokens: readonly string[]): TokenCheck {
  const digests = new Map<string, Buffer>();
  for (const [at, token] of tokens.entries()) {
    const id = form.exec(token)?.[1];
    if (id === undefined || digests.has(id)) {
      const what =
        id === undefined
          ? "is not jb_<id>_<secret> with a secret of 16 characters or more"
          : "has the id of another";
      throw new JobbersError("flag-invalid", `token ${at + 1} ${what}`);
    }
    digests.set(id, digestOf(token));
  }
  const nobody = digestOf("");
  return (authorization) => {
    const token = authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
    const id = token === undefined ? undefined : form.exec(token)?.[1];
    const known = id === undefined ? undefined : digests.get(id);
    const equal = timingSafeEqual(digestOf(token ?? ""), known ?? nobody);
    return equal && known !== undefined;
  };
}

/** The id of the token that an `Authorization` header brings; it says nothing about whether that is known. */
export function tokenIdOf(authorization: string | undefined): string | undefined {
  const token = authorization === undefined ? undefined : bearer.exec(authorization)?.[1];
  return token === undefined ? undefined : form.exec(token)?.[1];
}

function digestOf(token: string): Buffer {
  return hash("sha256", token, "buffer");
}
