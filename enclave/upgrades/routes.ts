/** Planned upgrades over HTTP: docs/reference/enclave-http.md, Upgrades. */

import { Router } from "express";
import { type ChallengeReply, HandOverCall, TakeOverCall } from "../../protocol/hand-over.ts";
import { callerOf, checkProvisions } from "../api/callers.ts";
import { parseInput } from "../api/parse-input.ts";
import { readJson } from "../api/request-body.ts";
import { SecretGiver } from "./give-secrets.ts";
import { takeSecrets } from "./take-secrets.ts";
import type { UpgradeParts } from "./upgrade-parts.ts";

/** Bytes: a log of a thousand entries, its heads, two policies, and what vendors endorse. */
const MAX_CALL_BYTES = 16 * 1024 * 1024;

/** For callers who may provision: nobody else has a use for it, and evidence takes time to judge. */
export function createUpgradeRoutes(parts: UpgradeParts): Router {
  const router = Router();
  const giver = new SecretGiver(parts);
  router.use("/v1/upgrades", (_request, response, next) => {
    checkProvisions(callerOf(response));
    next();
  });
  router.post("/v1/upgrades", readJson(MAX_CALL_BYTES), async (request, response) => {
    response.json(await takeSecrets(parts, parseInput(TakeOverCall, request.body)));
  });
  router.post("/v1/upgrades/challenges", (_request, response) => {
    response.json({ nonce: giver.challenge() } satisfies ChallengeReply);
  });
  router.post("/v1/upgrades/secrets", readJson(MAX_CALL_BYTES), async (request, response) => {
    response.json(await giver.give(parseInput(HandOverCall, request.body)));
  });
  return router;
}
