/** The contracts that a node serves, chain by chain: policies in sentences, ledgers, and agents with their accounts. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Head } from "../ui/frame.tsx";
import { Hex } from "../ui/hex.tsx";
import { State, type MarkName } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import {
  NodeError,
  type Agent,
  type Fault,
  type Ledger,
  type Node,
  type Policy,
  type ServedContracts,
} from "./api.ts";
import { PolicySentences } from "./policy-sentences.tsx";
import { duration, ether } from "./words.ts";

export function Contracts({ node }: { readonly node: Node }) {
  const [chains, setChains] = useState<readonly ServedContracts[] | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  useEffect(() => {
    node.contracts().then(setChains, (error: unknown) => {
      if (!(error instanceof NodeError)) throw error;
      setFault(error.message);
    });
  }, [node]);
  return (
    <>
      <div class="head plain">
        <h1 class="title">Contracts</h1>
        <p>
          What this node serves, as it read the chain. It is the node’s word: ask the chain yourself before
          you rely on it.
        </p>
      </div>
      {fault !== null && (
        <p class="caution bad spaced" role="alert">
          {fault}
        </p>
      )}
      {chains === null && fault === null && <p class="muted said">Reading the chain.</p>}
      {(chains ?? []).map((chain) => (
        <Chain key={chain.chainId} chain={chain} />
      ))}
    </>
  );
}

function Chain({ chain }: { readonly chain: ServedContracts }) {
  const { chainId, coordinator, registry, policies, ledgers, agents } = chain;
  return (
    <>
      <section class="served">
        <Head title={`Chain ${chainId}`}>
          coordinator <Hex value={coordinator} />, registry <Hex value={registry} />
        </Head>
        {policies.length === 0 && (
          <p class="muted said">This node admits its enclaves under no policy here: it answers nothing.</p>
        )}
        {policies.map((policy) => (
          <PolicyEntry key={policy.policyId} policy={policy} />
        ))}
      </section>
      {ledgers.length > 0 && (
        <section>
          <Head title="Ledgers">{`chain ${chainId}`}</Head>
          <ul class="says">
            {ledgers.map((ledger) => (
              <LedgerEntry key={ledger.address} ledger={ledger} />
            ))}
          </ul>
        </section>
      )}
      {agents.length > 0 && (
        <section>
          <Head title="Agents">{`chain ${chainId}`}</Head>
          <ul class="says">
            {agents.map((agent) => (
              <AgentEntry key={`${agent.account} ${agent.grantId}`} agent={agent} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function PolicyEntry({ policy }: { readonly policy: ServedContracts["policies"][number] }) {
  return (
    <>
      <h3 class="spaced">
        Policy <Hex value={policy.policyId} />
      </h3>
      {isFault(policy) ? <Unread fault={policy.fault} /> : <PolicySentences policy={policy} />}
    </>
  );
}

function LedgerEntry({ ledger }: { readonly ledger: ServedContracts["ledgers"][number] }) {
  const name = ledger.kind === "proven" ? "Proven ledger" : "Snapshot ledger";
  return (
    <Entry mark={isFault(ledger) ? "lost" : "settled"}>
      <strong>
        {name} <Hex value={ledger.address} />.
      </strong>{" "}
      {isFault(ledger) ? <CouldNot fault={ledger.fault} /> : <LedgerTerms ledger={ledger} />}
    </Entry>
  );
}

function LedgerTerms({ ledger }: { readonly ledger: Ledger }) {
  const { policyId, threshold, price, entries, epochs, ruleId } = ledger;
  if (ruleId !== undefined) {
    return (
      <>
        Its writes are signed by this node’s enclaves and settled with proofs of the rule{" "}
        <Hex value={ruleId} />.
      </>
    );
  }
  return (
    <>
      {`${entries ?? "0"} ${entries === "1" ? "entry" : "entries"} asked, ${epochs ?? 0} ${epochs === 1 ? "epoch" : "epochs"} settled. An entry costs ${ether(price ?? "0")} and takes answers of ${threshold ?? 1} ${threshold === 1 ? "enclave" : "enclaves"}, admitted under policy `}
      {policyId !== undefined && <Hex value={policyId} />}.
    </>
  );
}

function AgentEntry({ agent }: { readonly agent: ServedContracts["agents"][number] }) {
  const isOver = !isFault(agent) && agent.isRevoked;
  return (
    <Entry mark={isFault(agent) ? "lost" : isOver ? "declined" : "settled"}>
      <strong>
        Account <Hex value={agent.account} />, grant <Hex value={agent.grantId} />.
      </strong>{" "}
      {isFault(agent) ? <CouldNot fault={agent.fault} /> : <AgentTerms agent={agent} />}
    </Entry>
  );
}

function AgentTerms({ agent }: { readonly agent: Agent }) {
  const { programHash, policyId, slotSeconds, fee, nextNonce, isRevoked } = agent;
  return (
    <>
      {isRevoked ? "The owner revoked it: it runs no more. " : ""}
      {slotSeconds === 0 ? "It runs when it is asked" : `It runs every ${duration(slotSeconds)}`}
      {`, for ${ether(fee)} a run, its model’s calls included: program `}
      <Hex value={programHash} />, in an enclave admitted under policy <Hex value={policyId} />.{" "}
      {slotSeconds > 0 && `The next slot that it can act in is ${nextNonce}.`}
    </>
  );
}

function Entry({ mark, children }: { readonly mark: MarkName; readonly children: ComponentChildren }) {
  return (
    <li>
      <State mark={mark} tone={mark === "lost" ? "fails" : "ink"} />
      <span>{children}</span>
    </li>
  );
}

function Unread({ fault }: Fault) {
  return (
    <p class="caution bad spaced">
      <CouldNot fault={fault} />
    </p>
  );
}

function CouldNot({ fault }: Fault) {
  return (
    <>
      The node could not read it (
      <code>
        <Odd text={fault} />
      </code>
      ).
    </>
  );
}

function isFault(entry: Policy | Ledger | Agent | Fault | object): entry is Fault {
  return "fault" in entry;
}
