/** The page of `adyton up`: a box to ask from, what has been asked, and what a wallet needs to join in. */

import { useEffect, useRef, useState } from "preact/hooks";
import { connectTo } from "../requests/api.ts";
import { RequestList } from "../requests/list.tsx";
import type { LiveState } from "../requests/live.ts";
import { LiveMark } from "../requests/live-mark.tsx";
import { Frame, Head } from "../ui/frame.tsx";
import { Hex } from "../ui/hex.tsx";
import { askQuestion, readFiles, readNetwork, type LocalNetwork } from "./network.ts";

const NODE = connectTo("");

export function App() {
  const [network, setNetwork] = useState<LocalNetwork | null | "asking">("asking");
  const [live, setLive] = useState<LiveState>("lost");
  useEffect(() => {
    void readNetwork().then(setNetwork);
  }, []);
  return (
    <Frame
      page="Try"
      end={
        <>
          <span class="opt">A network of this machine</span>
          {network !== null && network !== "asking" && <LiveMark state={live} />}
        </>
      }
    >
      {network === null && (
        <div class="verdict">
          <h1>Nothing to try here.</h1>
          <p class="because">
            This page asks through the network that <code>adyton up</code> starts, and only that serves it.
          </p>
        </div>
      )}
      {network !== null && network !== "asking" && <Desk network={network} onState={setLive} />}
    </Frame>
  );
}

interface DeskProps {
  readonly network: LocalNetwork;
  readonly onState: (state: LiveState) => void;
}

function Desk({ network, onState }: DeskProps) {
  return (
    <>
      <div class="cols a">
        <AskBox network={network} />
        <Accounts network={network} />
      </div>
      <div class="below">
        <RequestList node={NODE} onState={onState} />
      </div>
    </>
  );
}

const RETURNS: readonly (readonly [string, string])[] = [
  ["text", ""],
  ["yes or no, and why", "(bool yes, string why)"],
  ["a score, and why", "(uint8 score 0..10, string why)"],
];

/** As the enclave reads them (docs/reference/models.md). */
const FILE_TYPES = "image/png,image/jpeg,image/webp,application/pdf";

function AskBox({ network: { models, servesFiles } }: { readonly network: LocalNetwork }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const pages = useRef<HTMLTextAreaElement>(null);
  const picked = useRef<HTMLInputElement>(null);
  const [model, setModel] = useState(models[0] ?? "");
  const [returns, setReturns] = useState("");
  const [isSending, setSending] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const send = async (): Promise<void> => {
    setSending(true);
    setFault(null);
    try {
      const requestId = await askQuestion({
        question: field.current?.value ?? "",
        ...{ model, returns },
        pages: (pages.current?.value ?? "").split(/\s+/).filter((url) => url !== ""),
        files: await readFiles([...(picked.current?.files ?? [])]),
      });
      location.href = `./#request=${requestId}`;
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
      setSending(false);
    }
  };
  return (
    <section>
      <div class="head plain">
        <h1 class="title">Ask</h1>
        <p>Through a contract, and public on this chain.</p>
      </div>
      <form
        class="paste spaced"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <label>
          Question
          <textarea ref={field} rows={4} required maxLength={4_000} placeholder="Is water wet?" />
        </label>
        <div class="filters">
          <label>
            Model
            <select
              value={model}
              onChange={({ currentTarget: { value } }) => {
                setModel(value);
              }}
            >
              {models.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label>
            Answer
            <select
              value={returns}
              onChange={({ currentTarget: { value } }) => {
                setReturns(value);
              }}
            >
              {RETURNS.map(([word, type]) => (
                <option key={type} value={type}>
                  {word}
                </option>
              ))}
            </select>
          </label>
        </div>
        <details>
          <summary>Pages and files that it is about</summary>
          <div class="paste spaced">
            <label>
              Pages: an https URL on each line, which the enclave reads
              <textarea ref={pages} rows={2} placeholder="https://example.com/news" />
            </label>
            {servesFiles && (
              <label>
                Images and PDFs: 2 MiB together; the request has their hashes
                <input ref={picked} type="file" multiple accept={FILE_TYPES} />
              </label>
            )}
          </div>
        </details>
        <div class="row">
          <button class="btn main" type="submit" disabled={isSending}>
            {isSending ? "Waiting for its block" : "Ask"}
          </button>
        </div>
        {fault !== null && (
          <p class="caution bad" role="alert">
            {fault}
          </p>
        )}
      </form>
    </section>
  );
}

function Accounts({ network: { accounts, chainId, rpcUrl, contracts } }: { readonly network: LocalNetwork }) {
  return (
    <section>
      <Head title="For your wallet">{`chain ${chainId} at ${rpcUrl}`}</Head>
      <p class="caution spaced">Everybody knows these keys. A million ether each, for play only.</p>
      <table>
        <thead>
          <tr>
            <th>Account</th>
            <th>Its key</th>
          </tr>
        </thead>
        <tbody>
          {accounts.map(({ address, privateKey }) => (
            <tr key={address}>
              <td>
                <Hex value={address} />
              </td>
              <td>
                <Hex value={privateKey} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <table class="below">
        <thead>
          <tr>
            <th>Contract</th>
            <th>Address</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(contracts).map(([name, address]) => (
            <tr key={name}>
              <td>{name}</td>
              <td>
                <Hex value={address} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
