import { describe, expect, test } from "vitest";
import { canonicalise } from "../../../attestation/xml/canonical-xml.ts";
import { parseXml } from "../../../attestation/xml/xml-reader.ts";
import { toUtf8 } from "../../../protocol/bytes.ts";
import { codeOf } from "../../support/code-of.ts";

const canonical = (xml: string): string => new TextDecoder().decode(canonicalise(parseXml(toUtf8(xml))));

describe("canonical form", () => {
  test.for<readonly [string, string, string]>([
    ["closes empty elements", "<a/>", "<a></a>"],
    [
      "orders attributes, those without a namespace first",
      `<a xmlns:z="urn:a" z:b="1" c="2" b="3"/>`,
      `<a xmlns:z="urn:a" b="3" c="2" z:b="1"></a>`,
    ],
    [
      "orders namespaces, the default one first",
      `<a xmlns:b="urn:b" xmlns="urn:a" xmlns:a="urn:c"/>`,
      `<a xmlns="urn:a" xmlns:a="urn:c" xmlns:b="urn:b"></a>`,
    ],
    [
      "leaves out a namespace that is declared around",
      `<a xmlns="urn:a"><b xmlns="urn:a"/></a>`,
      `<a xmlns="urn:a"><b></b></a>`,
    ],
    [
      "keeps one that ends the default",
      `<a xmlns="urn:a"><b xmlns=""/></a>`,
      `<a xmlns="urn:a"><b xmlns=""></b></a>`,
    ],
    ["leaves out one that ends none", `<a xmlns=""><b xmlns=""/></a>`, `<a><b></b></a>`],
    ["keeps white space of text", "<a> \n<b/>\n</a>", "<a> \n<b></b>\n</a>"],
    ["writes line ends as newlines", "<a>\r\n\r</a>", "<a>\n\n</a>"],
    [
      "writes references as what they mean",
      "<a b='&lt;&amp;&quot;&#x9;&#10;'>&gt;&#13;&lt;</a>",
      `<a b="&lt;&amp;&quot;&#x9;&#xA;">&gt;&#xD;&lt;</a>`,
    ],
    ["writes white space of attributes as blanks", "<a b='1\n\t2'/>", `<a b="1  2"></a>`],
    ["drops the declaration and what is around the root", `<?xml version="1.0"?>\n<a/>\n`, "<a></a>"],
  ])("%s", ([, xml, expected]) => {
    expect(canonical(xml)).toBe(expected);
  });

  test("of a part declares what holds around it, and leaves out what is asked", () => {
    const root = parseXml(toUtf8(`<a xmlns="urn:a" xmlns:p="urn:p"><b><c/></b><d/></a>`));
    const [b, d] = root.children;
    if (typeof b !== "object" || typeof d !== "object") throw new Error("no elements");
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    expect(text(canonicalise(b))).toBe(`<b xmlns="urn:a" xmlns:p="urn:p"><c></c></b>`);
    expect(text(canonicalise(root, d))).toBe(`<a xmlns="urn:a" xmlns:p="urn:p"><b><c></c></b></a>`);
  });
});

const entities = (count: number): string =>
  `<!DOCTYPE a [${Array.from({ length: count }, (_, index) => `<!ENTITY e${index} "&e${index - 1};&e${index - 1};">`).join("")}]><a>&e${count - 1};</a>`;

describe("is not read", () => {
  test.for<readonly [string, string]>([
    ["a document type, and a bomb of entities with it", entities(30)],
    ["an external entity", `<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`],
    ["a comment", "<a><!-- b --></a>"],
    ["a section", "<a><![CDATA[b]]></a>"],
    ["an instruction", "<a><?b c?></a>"],
    ["an attribute of the xml namespace", `<a xml:lang="en"/>`],
    ["a prefix for the xml namespace", `<a xmlns:b="http://www.w3.org/XML/1998/namespace" b:c="d"/>`],
  ])("%s", ([, xml]) => {
    expect(codeOf(() => parseXml(toUtf8(xml)))).toBe("EVIDENCE_UNSUPPORTED");
  });
});

describe("is malformed", () => {
  test.for<readonly [string, string]>([
    ["nothing", ""],
    ["text", "hello"],
    ["an element that does not end", "<a>"],
    ["an element closed by another's end", "<a><b></a></b>"],
    ["two roots", "<a/><b/>"],
    ["text after the root", "<a/>b"],
    ["an attribute twice", "<a b='1' b='2'/>"],
    ["an attribute twice under two prefixes", `<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>`],
    ["an attribute without a value", "<a b/>"],
    ["attributes that touch", "<a b='1'c='2'/>"],
    ["a prefix that is not declared", "<p:a/>"],
    ["a prefix that is declared away", `<a xmlns:p=""/>`],
    ["a reference to an entity", "<a>&b;</a>"],
    ["a reference that does not end", "<a>&lt</a>"],
    ["a reference to no character", "<a>&#x110000;</a>"],
    ["a reference to a control character", "<a>&#1;</a>"],
    ["half of a pair", "<a>&#xd800;</a>"],
    ["an opening bracket in an attribute", "<a b='<'/>"],
    ["the end of a section in text", "<a>]]></a>"],
    ["a missing name", "<a:/>"],
    ["deeper than any file", `${"<a>".repeat(17)}${"</a>".repeat(17)}`],
    ["more elements than any file", `<a>${"<b/>".repeat(8_192)}</a>`],
    [
      "more attributes than any element",
      `<a ${Array.from({ length: 65 }, (_, i) => `b${i}=''`).join(" ")}/>`,
    ],
    ["longer than any file", `<a>${" ".repeat(1024 * 1024)}</a>`],
  ])("%s", ([, xml]) => {
    expect(codeOf(() => parseXml(toUtf8(xml)))).toBe("EVIDENCE_MALFORMED");
  });

  test("what is not UTF-8", () => {
    expect(codeOf(() => parseXml(Uint8Array.of(0x3c, 0xff)))).toBe("EVIDENCE_MALFORMED");
  });
});
