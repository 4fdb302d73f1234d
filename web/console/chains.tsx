/** The chains that the node follows, and the servers that it reads them from. */

import { Head } from "../ui/frame.tsx";
import { State, type MarkName, type Tone } from "../ui/mark.tsx";
import { Odd } from "../ui/text.tsx";
import { duration } from "../requests/words.ts";
import type { Chain } from "./api.ts";
import { milliseconds } from "./words.ts";

export function Chains({ chains }: { readonly chains: readonly Chain[] }) {
  return (
    <section>
      <Head title="Chains">{`${chains.length} configured`}</Head>
      <table class="stack kv">
        <thead>
          <tr>
            <th>Chain</th>
            <th>State</th>
            <th class="n">Head</th>
            <th class="n">Behind</th>
            <th>RPC servers</th>
            <th>Queue</th>
            <th>Transactions</th>
            <th class="n">Oldest</th>
          </tr>
        </thead>
        <tbody>
          {chains.map((chain) => (
            <tr key={chain.chainId}>
              <td class="mono">{chain.chainId}</td>
              <td>
                <Following chain={chain} />
              </td>
              <td class="n" data-l="Head">
                {chain.block?.toLocaleString("en") ?? "–"}
              </td>
              <td class="n" data-l="Behind">
                {chain.behindBlocks ?? "–"}
              </td>
              <td data-l="RPC servers">{servers(chain)}</td>
              <td class="w" data-l="Queue">
                {counted(chain.queue.map(({ phase, count }) => [phase, count])) || "empty"}
              </td>
              <td class="w" data-l="Transactions">
                {counted(chain.transactions.map(({ state, count }) => [state, count])) || "none"}
              </td>
              <td class="n" data-l="Oldest">
                {chain.oldestUnsettledSeconds === null ? "–" : duration(chain.oldestUnsettledSeconds)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Following({ chain }: { readonly chain: Chain }) {
  const [mark, tone, says] = followingOf(chain);
  return (
    <State mark={mark} tone={tone}>
      {says}
    </State>
  );
}

function followingOf({ stalled, disputed, follower }: Chain): readonly [MarkName, Tone, string] {
  if (stalled) return ["lost", "fails", "not read"];
  if (follower === "nobody") return ["lost", "fails", "followed by nobody"];
  if (disputed) return ["declined", "warn", "disputed"];
  return ["settled", "ink", follower === "this" ? "following" : "followed by another"];
}

function servers({ rpcHealthy, rpcTotal }: Chain): string {
  if (rpcTotal === 1) return rpcHealthy === 1 ? "1, nobody to compare with" : "1, which rests";
  return `${rpcHealthy} of ${rpcTotal} serve`;
}

function counted(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([name, count]) => `${count.toLocaleString("en")} ${name}`).join(", ");
}

export function RpcServers({ chains }: { readonly chains: readonly Chain[] }) {
  return (
    <section>
      <Head title="RPC servers">since the node started</Head>
      <table class="stack kv">
        <thead>
          <tr>
            <th>Server</th>
            <th>Chain</th>
            <th>State</th>
            <th class="n">Messages</th>
            <th class="n">Without reply</th>
            <th class="n">Mean reply</th>
          </tr>
        </thead>
        <tbody>
          {chains.flatMap(({ chainId, rpc }) =>
            rpc.map(({ endpoint, exchanges, failures, meanMs, aside }) => (
              <tr key={`${chainId} ${endpoint}`}>
                <td class="mono">
                  <Odd text={endpoint} />
                </td>
                <td class="mono">{chainId}</td>
                <td data-l="State">
                  <Odd text={aside === null ? "asked" : `set aside: ${aside}`} />
                </td>
                <td class="n" data-l="Messages">
                  {exchanges.toLocaleString("en")}
                </td>
                <td class="n" data-l="Without reply">
                  {failures.toLocaleString("en")}
                </td>
                <td class="n" data-l="Mean reply">
                  {milliseconds(meanMs)}
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </section>
  );
}
