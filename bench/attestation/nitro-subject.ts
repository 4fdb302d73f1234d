import { parseNitroDocument } from "../../attestation/aws/nitro-document.ts";
import { verifyNitroDocumentUnder } from "../../attestation/aws/verify-nitro-document.ts";
import { AWS_NOW, mintAwsWorld } from "../../tests/support/fake-aws.ts";
import type { Subject } from "./measure.ts";

const DOCUMENTS = 400;

/** Documents of enclaves of their own. Cold: under CAs of their own too. Warm: under the CAs of one instance. */
export async function nitroSubject(): Promise<Subject> {
  const { roots, document } = await mintAwsWorld();
  const { cabundle } = parseNitroDocument(document);
  const mint = async (
    index: number,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<Uint8Array<ArrayBuffer>> => {
    const serial = 100 + index;
    const world = await mintAwsWorld({ fields, certificates: { enclave: { serial } } });
    return world.document;
  };
  const indices = Array.from({ length: DOCUMENTS }, (_, index) => index);
  const strangers = await Promise.all(indices.map(async (index) => await mint(index, {})));
  const neighbours = await Promise.all(indices.map(async (index) => await mint(index, { cabundle })));
  const verify = async (documents: readonly Uint8Array[], index: number): Promise<void> => {
    await verifyNitroDocumentUnder(roots, documents[index] ?? new Uint8Array(), { now: AWS_NOW });
  };
  return {
    batch: 40,
    quotes: DOCUMENTS,
    cold: async (index) => {
      await verify(strangers, index);
    },
    warm: async (index) => {
      await verify(neighbours, index);
    },
    peer: null,
    fresh: { curve: "P-384", underKnownKey: 1, underNewKey: 1 },
  };
}
