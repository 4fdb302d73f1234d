/** The built page, served beside the index: files of one folder, each with the headers that keep it to itself. */

import { Router } from "express";
import { findPageFolder, LISTING, PAGE_FILE, pageHeaders } from "./page-files.ts";

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Adyton</title>
<p>The page is not built in this checkout. Run <code>npm run build:web</code>, and load this again.
The index is at <a href="/v1/requests">/v1/requests</a>.</p></html>`;

export interface PageRouteOptions {
  /** Asked each time: the page may be built while the node runs. */
  readonly findFolder?: () => string | null;
  /** The document at the root. */
  readonly listing?: string;
}

export function pageRoute({ findFolder = findPageFolder, listing = LISTING }: PageRouteOptions = {}): Router {
  const router = Router();
  router.get(PAGE_FILE, (request, response, next) => {
    const folder = findFolder();
    const name = request.path === "/" ? listing : request.path.slice(1);
    if (folder === null) {
      if (name.endsWith(".html")) response.status(503).type("html").send(NOT_BUILT);
      else next();
      return;
    }
    response.set(pageHeaders(name));
    response.sendFile(name, { root: folder, dotfiles: "deny", cacheControl: false }, (error) => {
      if (error === undefined || response.headersSent) return;
      next();
    });
  });
  return router;
}
