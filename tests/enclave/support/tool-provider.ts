import { createThrowawayAuthority } from "../../../devnet/throwaway-authority.ts";
import type { BehaviourFile } from "../../../enclave/configuration/behaviour.ts";
import { behaviourFile, modelFile } from "./configuration.ts";
import { startHostileServer, type HostileServer } from "./hostile-server.ts";

/** Over the reasoning that led to the call: what Gemini 3 wants back. */
export const SIGNATURE = "c2lnbmF0dXJlIG92ZXIgYSB0aG91Z2h0";

export interface ToolProvider {
  readonly behaviour: BehaviourFile;
  /** The bodies that it was sent, parsed. */
  readonly asked: () => readonly Record<string, unknown>[];
  readonly stop: () => Promise<void>;
}

const CALL = { name: "weather", arguments: { city: "Delphi" } };

const chat = (message: object, finish_reason: string): object => ({
  id: "chat-1",
  model: "upstream",
  choices: [{ index: 0, finish_reason, message: { role: "assistant", content: null, ...message } }],
  usage: { prompt_tokens: 11, completion_tokens: 7 },
});

const gemini = (part: object): object => ({
  candidates: [{ index: 0, finishReason: "STOP", content: { role: "model", parts: [part] } }],
  usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7 },
  modelVersion: "gemini-3",
  responseId: "g-1",
});

/** Calls the tool `weather` when it is asked, and answers in words once it is told the weather. */
function reply(path: string, body: string): object {
  const knows = body.includes("18 degrees");
  if (path.includes(":generateContent")) {
    return gemini(
      knows
        ? { text: "It is 18 degrees in Delphi." }
        : { functionCall: { name: CALL.name, args: CALL.arguments }, thoughtSignature: SIGNATURE },
    );
  }
  if (knows) return chat({ content: "It is 18 degrees in Delphi." }, "stop");
  const call = { name: CALL.name, arguments: JSON.stringify(CALL.arguments) };
  return chat({ tool_calls: [{ id: "call_1", type: "function", function: call }] }, "tool_calls");
}

/** A provider with one tool in mind: `chat/model` speaks Chat Completions, `gemini/model` generateContent. */
export async function startToolProvider(): Promise<ToolProvider> {
  const authority = await createThrowawayAuthority(new Date());
  const bodies: string[] = [];
  const server: HostileServer = await startHostileServer({
    credentials: await authority.issue(["localhost"]),
    respond: (response, request) => {
      const line = server.received.findLastIndex((text) => text.startsWith("POST "));
      const body = server.received.slice(line + 1).join("");
      bodies.push(body);
      const text = JSON.stringify(reply(request.url ?? "", body));
      response.setHeader("content-length", Buffer.byteLength(text));
      response.end(text);
    },
  });
  const url = `https://localhost:${server.port}/v1`;
  const behaviour = behaviourFile({ url, certificateAuthority: authority.certificate });
  const [standIn] = Object.values(behaviour.providers);
  const model = { model: modelFile("model") };
  return {
    behaviour: {
      ...behaviour,
      time: { source: "host-clock-for-testing" },
      providers: {
        chat: { ...standIn!, models: model },
        gemini: { ...standIn!, format: "gemini", models: model },
      },
    },
    asked: () => bodies.map((body) => JSON.parse(body) as Record<string, unknown>),
    stop: () => server.stop(),
  };
}
