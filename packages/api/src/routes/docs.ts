import type { OpenAPIHono } from "@hono/zod-openapi";
import { jsonText, ownText } from "../answers.js";
import { docsPage, errorsPage } from "../docs/page.js";
import { docsStyle } from "../docs/style.js";
import { anyDocument, openApiDocument } from "../openapi.js";
import { defineRoute, type Route } from "../route.js";

/** The document and its page, of the app that they are mounted in; each is made when it is first asked for. */
export function docsRoutes(app: OpenAPIHono): Route[] {
  let made: ReturnType<typeof openApiDocument> | undefined;
  const document = () => {
    made ??= openApiDocument(app);
    return made;
  };
  const html = (path: string, operationId: string, summary: string, text: () => string, type = "text/html") =>
    defineRoute(
      {
        method: "get",
        path,
        operationId,
        tag: "docs",
        summary,
        secured: false,
        answers: { 200: { description: "The page.", type } },
        problems: [],
      },
      () => ownText(text(), type),
    );
  return [
    defineRoute(
      {
        method: "get",
        path: "/openapi.json",
        operationId: "openapi",
        tag: "docs",
        summary: "This document",
        secured: false,
        answers: { 200: { description: "OpenAPI 3.1.", schema: anyDocument } },
        problems: [],
      },
      () => jsonText(JSON.stringify(document())),
    ),
    html("/docs", "docs", "The document as a page", () => docsPage(document())),
    html("/docs/errors", "docsErrors", "The codes of problems", errorsPage),
    html("/docs/style.css", "docsStyle", "The looks of the pages", () => docsStyle, "text/css"),
  ];
}
