/** The page may import nothing of the oracle, so that it writes down a second time what travels between the two. */

import { expectTypeOf, test } from "vitest";
import type { ConsoleState as Sent } from "../../../oracle/console/console-state.ts";
import type { ConsoleState as Read } from "../../../web/console/api.ts";

// Compared by the compiler (`npm run check:types`), in the direction that data takes: a node may send more than its page reads.
test("what the console reads of a node is what a node sends", () => {
  expectTypeOf<Sent>().toExtend<Read>();
});
