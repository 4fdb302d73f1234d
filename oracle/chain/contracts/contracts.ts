/** The ABI, from the generated bindings (`npm run build:contracts`). */

import { AgentAccount__factory } from "../../../contracts/bindings/factories/AgentAccount__factory.ts";
import { CallRules__factory } from "../../../contracts/bindings/factories/CallRules__factory.ts";
import { EnclaveRegistry__factory } from "../../../contracts/bindings/factories/EnclaveRegistry__factory.ts";
import { IChainAdapter__factory } from "../../../contracts/bindings/factories/IChainAdapter__factory.ts";
import { OracleCoordinator__factory } from "../../../contracts/bindings/factories/OracleCoordinator__factory.ts";
import { ISnapshotLedger__factory } from "../../../contracts/bindings/factories/ISnapshotLedger__factory.ts";
import { IProvenLedger__factory } from "../../../contracts/bindings/factories/IProvenLedger__factory.ts";
import { PushFeed__factory } from "../../../contracts/bindings/factories/PushFeed__factory.ts";

export const chainAdapterInterface = IChainAdapter__factory.createInterface();
export const ledgerInterface = ISnapshotLedger__factory.createInterface();
export const provenLedgerInterface = IProvenLedger__factory.createInterface();
export const pushFeedInterface = PushFeed__factory.createInterface();
export const coordinatorInterface = OracleCoordinator__factory.createInterface();
export const registryInterface = EnclaveRegistry__factory.createInterface();
export const agentAccountInterface = AgentAccount__factory.createInterface();
export const callRulesInterface = CallRules__factory.createInterface();
