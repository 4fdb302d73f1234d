/** Puts together what reaches a provider: one that attests itself is judged with what its vendors say, fetched by this enclave. */

import type { EndorsementSource } from "../../attestation/endorsements/endorsement-source.ts";
import { createVendorSource } from "../../endorsements/vendor-source.ts";
import type { Behaviour, Provider } from "../configuration/behaviour.ts";
import type { UpstreamSettings } from "../configuration/upstream-settings.ts";
import { createEgress } from "../egress/egress.ts";
import type { Exchange } from "../egress/exchange.ts";
import { createAttestedExchange } from "./attested-exchange.ts";

export function createProviderExchange(
  behaviour: Behaviour,
  { connection, minimumTls, minimumScts, attestation }: Provider,
  now: () => number | null,
): Exchange {
  const authority = attestation?.form === "ra-tls" ? "evidence" : "authorities";
  const exchange = createEgress(behaviour, { connection, minimumTls, minimumScts, now, authority });
  if (attestation === undefined) return exchange;
  const vendors = createEgress(behaviour, {
    connection: "fresh",
    minimumTls: "TLSv1.2",
    minimumScts: 0,
    now,
  });
  const endorsements = createEndorsements(attestation, vendors);
  return createAttestedExchange({ settings: attestation, exchange, endorsements, now });
}

/** Nobody is asked whom the settings do not name; an answer of a server that does not exist is an endorsement that cannot be had. */
const NOBODY = "https://nobody.invalid";

function createEndorsements({ endorsements }: UpstreamSettings, exchange: Exchange): EndorsementSource {
  return createVendorSource({
    fetch: fetchBy(exchange),
    intelUrl: endorsements.intel ?? NOBODY,
    amdUrl: endorsements.amd ?? NOBODY,
  });
}

/** As much of `fetch` as endorsements are fetched with, over this enclave's own way out. */
function fetchBy(exchange: Exchange): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.origin === NOBODY) throw new TypeError("the behaviour file names nobody to ask");
    const outcome = await exchange({
      url,
      method: request.method === "POST" ? "POST" : "GET",
      headers: Object.fromEntries(request.headers),
      body: new Uint8Array(await request.arrayBuffer()),
      signal: request.signal,
    });
    if (outcome.kind === "failed") throw outcome.error;
    const { status, headers, body } = outcome.response;
    return new Response(new Uint8Array(body), { status, headers });
  };
}
