import { once } from "node:events";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { openInterview, type Interview, type Question } from "../../cli/interview.ts";
import { InputError } from "../../protocol/errors.ts";

const EVEN: Question<number> = {
  name: "the number",
  text: "An even number",
  fallback: "8",
  take: (answer) => {
    if (Number(answer) % 2 === 0) return Number(answer);
    throw new InputError({ code: "INPUT_INVALID", message: `${answer} is odd` });
  },
};

/** An interview whose lines are piped, or typed. */
function open(
  lines: string,
  isTyped = false,
): Interview & { readonly input: PassThrough; shown: () => string } {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = "";
  output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  input.write(lines);
  if (!isTyped) input.end();
  const signal = new AbortController().signal;
  const interview = openInterview({ input, output, isTyped, signal, onInterrupt: () => undefined });
  return { ...interview, input, shown: () => shown };
}

test("lines that are piped at once answer one question each, and an empty one takes what is shown", async () => {
  const { ask, close, shown } = open("2\n\n  6 \n");
  const answers = [await ask(EVEN), await ask(EVEN), await ask(EVEN)];
  expect(answers).toEqual([2, 8, 6]);
  expect(shown()).toContain("An even number [8]: ");
  close();
});

test("whoever types is told what is wrong with an answer, and asked again", async () => {
  const { ask, close, shown } = open("3\r4\r", true);
  expect(await ask(EVEN)).toBe(4);
  expect(shown()).toContain("3 is odd");
  close();
});

test("a piped answer that is refused ends it: the next line answers another question", async () => {
  const { ask, close } = open("3\n4\n");
  await expect(ask(EVEN)).rejects.toMatchObject({ code: "INPUT_INVALID", message: "the number: 3 is odd" });
  close();
});

test("lines that end before the questions do are told with the question", async () => {
  const { ask, close } = open("2\n");
  expect(await ask(EVEN)).toBe(2);
  await expect(ask(EVEN)).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringContaining("no answer was given for the number") as string,
  });
  close();
});

test("Ctrl-C where somebody types reaches whoever ends the command, with the reason", async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const controller = new AbortController();
  const reason = new Error("interrupted");
  const interview = openInterview({
    ...{ input, output, isTyped: true, signal: controller.signal },
    onInterrupt: () => {
      controller.abort(reason);
    },
  });
  const asked = interview.ask(EVEN);
  await once(output, "data");
  input.write("\u0003");
  await expect(asked).rejects.toBe(reason);
  interview.close();
});

test("what is no refusal of an answer is not asked again", async () => {
  const broken = new TypeError("a bug");
  const { ask, close } = open("2\n4\n", true);
  await expect(
    ask({
      ...EVEN,
      take: () => {
        throw broken;
      },
    }),
  ).rejects.toBe(broken);
  close();
});
