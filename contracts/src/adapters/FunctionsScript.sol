// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.27;

/// @notice The JavaScript that each node of Chainlink Functions runs. It is believed in nothing: a consumer checks what it
/// returns. Written by tools/write-functions-script.ts from oracle/functions/script.ts; do not edit.
library FunctionsScript {
    // forgefmt: disable-next-line
    string internal constant SOURCE = 'async function h({Functions:c,secrets:u,bytesArgs:y}){const{enclaveUrl:o,enclaveCredential:a}=u;if(o===void 0||a===void 0)throw Error("adyton: secrets need enclaveUrl and enclaveCredential");const s=(r="")=>Uint8Array.from(r.slice(2).match(/../g)??[],t=>parseInt(t,16)),p=new Blob([s(y[0])]).stream().pipeThrough(new CompressionStream("deflate-raw")),f=new Uint8Array(await new Response(p).arrayBuffer()),i={call:btoa(String.fromCharCode(...f))};if(JSON.stringify(i).length>2048)throw Error("adyton: the question is too long for Functions");const m=performance.now()+9e3;let d="no reply";for(let r=0;r<5;r++){const t=m-performance.now();if(t<300)break;const n=await c.makeHttpRequest({url:o+"/v1/functions/answers",method:"POST",headers:{"content-type":"application/json",authorization:"Bearer "+a},data:i,timeout:Math.min(t,4e3)}),l=n.error?void 0:n.data?.response;if(l!==void 0)return s(l);const e=Number(n.error?n.response?.status??n.code:n.status)||0;if(d=e===202?"the model is slow":e===0?"no reply":`HTTP ${e}`,e>=400&&e<500&&e!==429)break;e!==202&&await new Promise(g=>setTimeout(g,500))}throw Error("adyton: "+d)}return h({Functions,secrets,bytesArgs})';
}
