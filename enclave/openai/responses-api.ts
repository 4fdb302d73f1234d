import type { OpenaiApi } from "./openai-api.ts";
import { parseResponsesCall, toResponsesQuestion, type ResponsesCall } from "./responses-call.ts";
import { createResponsesWriter } from "./responses-reply.ts";

/** `POST /v1/responses` */
export const responsesApi: OpenaiApi<ResponsesCall> = {
  parse: parseResponsesCall,
  toQuestion: toResponsesQuestion,
  createWriter: createResponsesWriter,
  streamEnd: "",
};
