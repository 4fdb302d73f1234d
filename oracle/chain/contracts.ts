/** The ABI, from the generated bindings (`npm run build:contracts`). */

import { EnclaveRegistry__factory } from "../../contracts/bindings/factories/EnclaveRegistry__factory.ts";
import { OracleCoordinator__factory } from "../../contracts/bindings/factories/OracleCoordinator__factory.ts";
import { PushFeed__factory } from "../../contracts/bindings/factories/PushFeed__factory.ts";

export const pushFeedInterface = PushFeed__factory.createInterface();
export const coordinatorInterface = OracleCoordinator__factory.createInterface();
export const registryInterface = EnclaveRegistry__factory.createInterface();
