/** The page imports nothing of the oracle: what it reads is written down twice, and compared here, by `npm run check:types`. */

import { expectTypeOf, test } from "vitest";
import type { ConsoleState } from "../../oracle/console/console-state.ts";
import type { RequestView } from "../../oracle/store/index-queries.ts";
import type { Admission } from "../../oracle/store/list-admissions.ts";
import type { RequestRow } from "../../oracle/store/request-rows.ts";
import type * as read from "../../web/console/api.ts";
import type * as index from "../../web/requests/api.ts";

test("all that the page reads is sent, by the same names and types: a node's console", () => {
  expectTypeOf<ConsoleState>().toExtend<read.ConsoleState>();
});

test("all that the page reads is sent, by the same names and types: requests and admissions", () => {
  expectTypeOf<RequestRow>().toExtend<index.RequestRow>();
  expectTypeOf<Admission>().toExtend<index.Admission>();
  // The request and the answer as they were signed are JSON of their own.
  type Signed = "request" | "answer";
  expectTypeOf<Omit<RequestView, Signed>>().toExtend<Omit<index.RequestDetail, Signed>>();
  type Answer<View extends { readonly answer: unknown }> = Omit<NonNullable<View["answer"]>, "answer">;
  expectTypeOf<Answer<RequestView>>().toExtend<Answer<index.RequestDetail>>();
});
