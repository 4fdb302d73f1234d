/** A plain request of Chainlink Functions: its script asks a model without TLS and brings the ABI-encoded answer. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hex } from "../../protocol/bytes.ts";

/** Asks the model and brings what it says; the model does the encoding, so that the script is as small as it can be. */
export function plainSource(modelUrl: string): string {
  return `const q=new TextDecoder().decode(Uint8Array.from(bytesArgs[0].slice(2).match(/../g),h=>parseInt(h,16)));
const r=await Functions.makeHttpRequest({url:"${modelUrl}",method:"POST",headers:{"content-type":"application/json"},data:{q}});
if(r.error)throw Error("model");
return Uint8Array.from(r.data.output.slice(2).match(/../g),h=>parseInt(h,16))`;
}

export interface PlainModel {
  readonly url: string;
  readonly stop: () => void;
}

/** Says `output` to every question, at once. */
export async function startPlainModel(output: Hex): Promise<PlainModel> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ output }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      server.close();
    },
  };
}
