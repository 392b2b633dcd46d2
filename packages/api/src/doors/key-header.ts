import { MAX_KEY_CHARS } from "@jobbers/core";
import { refusalOf } from "../problem.js";

/** A text as structured headers write it (RFC 8941), in double quotes; or one that somebody sends as it is. */
const quotedForm = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const bareForm = /^[\x21\x23-\x7e][\x21-\x7e]*$/;

/**
 * The key in the header `Idempotency-Key` of a submission (draft-ietf-httpapi-idempotency-key-header), where it has one.
 *
 * @throws RequestRefused `query-invalid`
 */
export function keyInHeader(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const key = bareForm.test(header) ? header : quotedForm.exec(header)?.[1]?.replace(/\\(["\\])/g, "$1");
  if (key !== undefined && key !== "" && key.length <= MAX_KEY_CHARS) return key;
  throw refusalOf("query-invalid", "the headers of POST /v1/runs", [
    {
      pointer: "/Idempotency-Key",
      detail: `takes 1 to ${MAX_KEY_CHARS} ASCII characters, in double quotes or without blanks`,
    },
  ]);
}
