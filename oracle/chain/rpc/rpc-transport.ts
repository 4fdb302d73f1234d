/** How JSON-RPC reaches a server. */
export interface RpcTransport {
  /**
   * The reply to a call or a batch.
   *
   * @param body JSON text
   * @param ids of the calls in it
   * @throws when there is none in time
   */
  exchange(body: string, ids: readonly number[]): Promise<unknown>;
  /** Has `onHead` called for each new block that the server announces by itself, for as long as the transport lives. */
  subscribe(onHead: () => void): void;
  /** Tells of a block that was learnt by asking: a subscription that did not announce it is silent. */
  noticeHead(number: number): void;
  close(): void;
}
