/** Where rows go that the store keeps no longer. A thing of a name is written once: writing it again changes nothing. */
export interface Archive {
  /** For logs and people: says where it is, and no secret. */
  readonly place: string;
  /** @throws {UpstreamError} ARCHIVE_UNAVAILABLE */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * `undefined` where there is nothing of this name.
   *
   * @throws {UpstreamError} ARCHIVE_UNAVAILABLE
   */
  get(name: string): Promise<Uint8Array | undefined>;
}
