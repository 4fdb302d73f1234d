/** Server-sent events as the enclave writes them: a name and one line of data each. */

export interface StreamedEvent {
  readonly name: string;
  readonly data: string;
}

export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const field = (name: string): string => new RegExp(`^${name}: ?(.*)$`, "m").exec(event)?.[1] ?? "";
      yield { name: field("event"), data: field("data") };
    }
  }
}
