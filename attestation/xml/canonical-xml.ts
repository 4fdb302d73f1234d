/**
 * Canonical XML 1.1: the bytes that a signature over XML covers.
 *
 * Source: W3C, Canonical XML 1.1, §2.2 to §2.4, without comments. As `parseXml` reads no attributes of the `xml`
 * namespace, nothing is inherited but namespaces, and the result is that of Canonical XML 1.0 too.
 */

import { toUtf8 } from "../../protocol/bytes.ts";
import type { XmlAttribute, XmlElement } from "./xml-reader.ts";

/** `element` with everything in it but `without`, in canonical form. */
export function canonicalise(element: XmlElement, without?: XmlElement): Uint8Array<ArrayBuffer> {
  const parts: string[] = [];
  write(element, { rendered: new Map(), without, parts });
  return toUtf8(parts.join(""));
}

interface Output {
  /** Namespaces that an element around declares in the output. */
  readonly rendered: ReadonlyMap<string, string>;
  readonly without: XmlElement | undefined;
  readonly parts: string[];
}

function write(element: XmlElement, { rendered, without, parts }: Output): void {
  const name = qualified(element);
  const namespaces = [...element.inScope].filter(([prefix, uri]) => (rendered.get(prefix) ?? "") !== uri);
  const declarations = namespaces
    .toSorted(([a], [b]) => compare(a, b))
    .map(([prefix, uri]) => ` ${prefix === "" ? "xmlns" : `xmlns:${prefix}`}="${escapeAttribute(uri)}"`);
  const attributes = element.attributes
    .toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name))
    .map((attribute) => ` ${qualified(attribute)}="${escapeAttribute(attribute.value)}"`);
  parts.push(`<${name}`, ...declarations, ...attributes, ">");
  const inside = new Map([...rendered, ...namespaces]);
  for (const child of element.children) {
    if (typeof child === "string") parts.push(escapeText(child));
    else if (child !== without) write(child, { rendered: inside, without, parts });
  }
  parts.push(`</${name}>`);
}

function qualified({ prefix, name }: XmlElement | XmlAttribute): string {
  return prefix === "" ? name : `${prefix}:${name}`;
}

/** By code points, as the specification orders names. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const TEXT: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;" };
const ATTRIBUTE: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  '"': "&quot;",
  "\t": "&#x9;",
  "\n": "&#xA;",
  "\r": "&#xD;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => TEXT[character] as string);
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<"\t\n\r]/g, (character) => ATTRIBUTE[character] as string);
}
