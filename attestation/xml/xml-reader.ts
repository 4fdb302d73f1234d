/**
 * XML of bounded cost, and of the part that signed data files use (docs/adr/0046).
 *
 * Source: W3C, Extensible Markup Language (XML) 1.0, fifth edition; Namespaces in XML 1.0. Refused, though XML has them:
 * document types (and with them entities of one's own), processing instructions, comments, CDATA sections, and attributes
 * in the `xml` namespace. Everything that could be read in two ways is refused.
 */

import { EvidenceError } from "../../protocol/errors.ts";
import { fromUtf8 } from "../../protocol/bytes.ts";

export interface XmlAttribute {
  readonly prefix: string;
  readonly name: string;
  /** Empty without a prefix. */
  readonly namespace: string;
  readonly value: string;
}

export interface XmlElement {
  readonly prefix: string;
  readonly name: string;
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  /** Declared here, by prefix; the default one under the empty prefix. */
  readonly declared: ReadonlyMap<string, string>;
  /** All that hold here. */
  readonly inScope: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
}

/** Manifests have 20 kB, two hundred elements of ten attributes, and three levels. */
const MAX_BYTES = 1024 * 1024;
const MAX_DEPTH = 16;
const MAX_ELEMENTS = 8_192;
const MAX_ATTRIBUTES = 64;

/**
 * The root element of `bytes`.
 *
 * Time and memory are linear in the bytes, of which there may be 1 MiB.
 *
 * @throws {EvidenceError} EVIDENCE_MALFORMED; EVIDENCE_UNSUPPORTED for what this reader leaves out
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  if (bytes.length > MAX_BYTES) throw malformed("it is longer than any genuine file");
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw malformed("it is not UTF-8", cause);
  }
  return new XmlReader(text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n")).read();
}

const NAME = /[A-Za-z_][\w.-]{0,127}/y;
const SPACE = /[ \t\n]*/y;
const DECLARATION = /<\?xml[ \t\n][^<>?]{0,200}\?>/y;
const REFERENCES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace";

type Scope = ReadonlyMap<string, string>;

class XmlReader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    this.#skip(DECLARATION);
    this.#skip(SPACE);
    if (/<[!?]/y.test(this.#text.slice(this.#at, this.#at + 2)))
      throw unsupported("document types are not read");
    if (!this.#take("<")) throw malformed("it does not begin with an element");
    const root = this.#element(new Map(), 1);
    this.#skip(SPACE);
    if (this.#at !== this.#text.length) throw malformed("something follows the root element");
    return root;
  }

  /** After its opening bracket. */
  #element(outer: Scope, depth: number): XmlElement {
    this.#elements += 1;
    if (depth > MAX_DEPTH || this.#elements > MAX_ELEMENTS)
      throw malformed("it is larger or deeper than any genuine file");
    const [prefix, name] = this.#qualifiedName();
    const raw = this.#attributes();
    const declared = namespacesOf(raw);
    const inScope = declared.size === 0 ? outer : new Map([...outer, ...declared]);
    const head = {
      prefix,
      name,
      namespace: resolve(prefix, inScope, ""),
      attributes: attributesOf(raw, inScope),
      declared,
      inScope,
    };
    if (this.#take("/>")) return { ...head, children: [] };
    this.#expect(">");
    return { ...head, children: this.#content({ prefix, name }, inScope, depth) };
  }

  #content(
    { prefix, name }: { readonly prefix: string; readonly name: string },
    scope: Scope,
    depth: number,
  ): readonly (XmlElement | string)[] {
    const children: (XmlElement | string)[] = [];
    for (;;) {
      const text = this.#characters("<");
      if (text !== "") children.push(text);
      if (this.#take("</")) {
        const [endPrefix, endName] = this.#qualifiedName();
        this.#skip(SPACE);
        this.#expect(">");
        if (endPrefix !== prefix || endName !== name)
          throw malformed("an element is closed by another's end");
        return children;
      }
      if (this.#text.startsWith("<!", this.#at) || this.#text.startsWith("<?", this.#at))
        throw unsupported("comments, sections and instructions are not read");
      this.#expect("<");
      children.push(this.#element(scope, depth + 1));
    }
  }

  #attributes(): readonly RawAttribute[] {
    const attributes: RawAttribute[] = [];
    for (;;) {
      const before = this.#at;
      this.#skip(SPACE);
      if (this.#text.startsWith(">", this.#at) || this.#text.startsWith("/>", this.#at)) return attributes;
      if (this.#at === before || attributes.length === MAX_ATTRIBUTES)
        throw malformed("an element's attributes");
      const [prefix, name] = this.#qualifiedName();
      this.#skip(SPACE);
      this.#expect("=");
      this.#skip(SPACE);
      const quote = this.#take('"') ? '"' : "'";
      if (quote === "'") this.#expect("'");
      const value = this.#characters(quote, true);
      this.#expect(quote);
      if (attributes.some((known) => known.prefix === prefix && known.name === name))
        throw malformed("an element has an attribute twice");
      attributes.push({ prefix, name, value });
    }
  }

  /** Up to `end`, references resolved. In attributes white space is a blank (XML §3.3.3). */
  #characters(end: string, isAttribute = false): string {
    const stop = this.#text.indexOf(end, this.#at);
    if (stop === -1) throw malformed("it ends too early");
    const raw = this.#text.slice(this.#at, stop);
    this.#at = stop;
    if (isAttribute && raw.includes("<")) throw malformed("an attribute holds an opening bracket");
    if (!isAttribute && raw.includes("]]>")) throw malformed("text holds the end of a section");
    const plain = isAttribute ? raw.replace(/[\t\n]/g, " ") : raw;
    return checkCharacters(
      plain.replace(/&([^;&]{0,12})(;?)/g, (_, name: string, mark: string) => reference(name, mark)),
    );
  }

  #qualifiedName(): readonly [prefix: string, name: string] {
    const first = this.#skip(NAME);
    if (first === "") throw malformed("a name is missing");
    if (!this.#take(":")) return ["", first];
    const second = this.#skip(NAME);
    if (second === "") throw malformed("a name is missing");
    return [first, second];
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ""] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw malformed("its marks do not fit together");
  }
}

interface RawAttribute {
  readonly prefix: string;
  readonly name: string;
  readonly value: string;
}

function reference(name: string, mark: string): string {
  const named = mark === ";" ? REFERENCES[name] : undefined;
  if (named !== undefined) return named;
  const [, decimal, hex] = /^#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}))$/.exec(name) ?? [];
  const code = decimal === undefined ? parseInt(hex ?? "", 16) : parseInt(decimal, 10);
  if (mark !== ";" || Number.isNaN(code) || code > 0x10ffff) throw malformed("a reference to no character");
  return String.fromCodePoint(code);
}

/** XML §2.2: no other control characters, no half of a pair. */
function checkCharacters(text: string): string {
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || !text.isWellFormed())
    throw malformed("a character that XML does not have");
  return text;
}

function namespacesOf(attributes: readonly RawAttribute[]): ReadonlyMap<string, string> {
  const declared = new Map<string, string>();
  for (const { prefix, name, value } of attributes) {
    if (prefix === "xmlns") {
      if (name === "xmlns" || name === "xml" || value === "") throw malformed("a namespace's declaration");
      declared.set(name, value);
    } else if (prefix === "" && name === "xmlns") {
      declared.set("", value);
    }
  }
  return declared;
}

function attributesOf(raw: readonly RawAttribute[], scope: Scope): readonly XmlAttribute[] {
  const attributes = raw
    .filter(({ prefix, name }) => prefix !== "xmlns" && !(prefix === "" && name === "xmlns"))
    .map(({ prefix, name, value }) => {
      if (prefix === "xml") throw unsupported("attributes of the xml namespace are not read");
      return { prefix, name, value, namespace: prefix === "" ? "" : resolve(prefix, scope, undefined) };
    });
  const identities = attributes.map(({ namespace, name }) => `${namespace} ${name}`);
  if (new Set(identities).size !== identities.length) throw malformed("an element has an attribute twice");
  return attributes;
}

/** @param fallback the namespace of a name without a prefix, where no default is declared */
function resolve(prefix: string, scope: Scope, fallback: string | undefined): string {
  const namespace = scope.get(prefix) ?? (prefix === "" ? fallback : undefined);
  if (namespace === undefined) throw malformed("a prefix that is not declared");
  if (namespace === XML_NAMESPACE) throw unsupported("the xml namespace is not read");
  return namespace;
}

function unsupported(message: string): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_UNSUPPORTED", message: `XML: ${message}` });
}

function malformed(message: string, cause?: unknown): EvidenceError {
  return new EvidenceError({ code: "EVIDENCE_MALFORMED", message: `XML: ${message}`, cause });
}
