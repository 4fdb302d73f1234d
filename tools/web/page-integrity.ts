/**
 * Makes a built page checkable: subresource integrity on what its documents load, a list of every file with its SHA-256
 * (`page.json`), and one hash over that list, which the documents show.
 */

import { createHash } from "node:crypto";
import type { Plugin, Rolldown } from "vite";
import { pageHash, PLACEHOLDER, type PageFile } from "../../protocol/page-hash.ts";

type OutputAsset = Rolldown.OutputAsset;
type Built = OutputAsset | Rolldown.OutputChunk;

export function pageIntegrity(): Plugin {
  return {
    name: "adyton-page-integrity",
    apply: "build",
    enforce: "post",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        const files = Object.values(bundle);
        const documents = files.filter(isDocument);
        for (const document of documents) document.source = withIntegrity(textOf(document), bundle);
        const list = files.map(toPageFile).toSorted((a, b) => (a.path < b.path ? -1 : 1));
        const hash = pageHash(list);
        for (const document of documents) document.source = textOf(document).replace(PLACEHOLDER, hash);
        this.emitFile({
          type: "asset",
          fileName: "page.json",
          source: `${JSON.stringify({ version: 1, hash, files: list }, null, 2)}\n`,
        });
      },
    },
  };
}

function isDocument(file: Built): file is OutputAsset {
  return file.type === "asset" && file.fileName.endsWith(".html");
}

function bytesOf(file: Built): string | Uint8Array {
  return file.type === "chunk" ? file.code : file.source;
}

function textOf(file: Built): string {
  return String(bytesOf(file));
}

function toPageFile(file: Built): PageFile {
  return { path: file.fileName, sha256: createHash("sha256").update(bytesOf(file)).digest("hex") };
}

const LOADED = /<(script|link)\b([^>]*?)\b(src|href)="\.\/([^"]+)"([^>]*)>/g;

function withIntegrity(html: string, bundle: Readonly<Record<string, Built>>): string {
  return html.replace(
    LOADED,
    (tag, element: string, before: string, name: string, path: string, after: string) => {
      const file = bundle[path];
      if (file === undefined) return tag;
      const digest = createHash("sha384").update(bytesOf(file)).digest("base64");
      return `<${element}${before}${name}="./${path}" integrity="sha384-${digest}"${after}>`;
    },
  );
}
