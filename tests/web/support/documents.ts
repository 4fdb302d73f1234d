import { STUB_REQUEST } from "./stub-node.ts";

/** The documents of the page: what a reader calls each, its file, where in it, and what can be used as soon as it is there. */
export const DOCUMENTS = [
  ["Verify", "verify.html", "", ".drop button"],
  ["the list", "index.html", "", "td.c-id"],
  ["a request", "index.html", `#request=${STUB_REQUEST}`, ".halves"],
  ["the place to ask", "local.html", "", "textarea"],
  ["the console", "console.html", "", "input.token"],
] as const;
