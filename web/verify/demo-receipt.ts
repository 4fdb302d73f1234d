/** The receipt of the examples, in a file of its own: whoever does not ask for it does not load it. */

import text from "../../examples/evidence/simulated-receipt.json?raw";

export const DEMO_RECEIPT = text;
