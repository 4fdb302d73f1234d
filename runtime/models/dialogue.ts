import { InputError } from "../../protocol/errors.ts";
import type { ModelMessage } from "./model-format.ts";

export type DialogueMessage = Exclude<ModelMessage, { readonly role: "system" }>;

/**
 * For formats that keep the system prompt apart from the dialogue: each system message on its own, in order.
 *
 * @throws {InputError} INPUT_INVALID for a system message after the dialogue has begun, which would move to its front and
 *   mean something else
 */
export function splitSystem(messages: readonly ModelMessage[]): {
  readonly system: readonly string[];
  readonly dialogue: readonly DialogueMessage[];
} {
  const system: string[] = [];
  const dialogue: DialogueMessage[] = [];
  for (const message of messages) {
    if (message.role !== "system") {
      dialogue.push(message);
    } else if (dialogue.length === 0) {
      system.push(message.content);
    } else {
      throw new InputError({
        code: "INPUT_INVALID",
        message: "this model takes system messages only before all others",
      });
    }
  }
  return { system, dialogue };
}
