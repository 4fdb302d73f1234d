/** The thread of `createJudgeThread`, as the enclave's own program starts it. */

import { serveJudgements } from "../../../enclave/snapshots/judge-thread.ts";

serveJudgements();
