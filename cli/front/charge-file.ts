/** `adyton front --charge FILE`: what calls cost, and the secrets that it names. */

import { dirname, resolve } from "node:path";
import { ChargeFile, chargeOf } from "../../oracle/front/payments/charge.ts";
import { createFacilitator } from "../../oracle/front/payments/facilitator.ts";
import type { PaidCallsOptions } from "../../oracle/front/payments/paid-calls.ts";
import { PaymentJournal } from "../../oracle/front/payments/payment-journal.ts";
import { InputError } from "../../protocol/errors.ts";
import { bytes32, refusedField } from "../../protocol/fields.ts";
import { parseUniqueJson } from "../../protocol/unique-json.ts";
import { readInput, readInputText } from "../input-file.ts";
import { createStatements } from "./sign-statements.ts";

/**
 * Paths in the file are relative to it.
 *
 * @throws {InputError} INPUT_INVALID, naming the field; INPUT_NOT_FOUND
 * @throws {ConfigError} CONFIG_INVALID for a journal that another front has
 */
export function openCharge(file: string, nowSeconds: () => number): Omit<PaidCallsOptions, "upstream"> {
  const parsed = ChargeFile.safeDecode(readJson(file));
  if (!parsed.success) throw invalid(file, refusedField(parsed.error), parsed.error.issues[0]?.message);
  const beside = (path: string): string => resolve(dirname(file), path);
  const charge = chargeOf(parsed.data);
  const key = bytes32.safeParse(readInputText(beside(parsed.data.keyFile)).trim());
  if (!key.success) throw invalid(file, "keyFile", "expected a file with 32 bytes as 0x hex");
  const credential = readInputText(beside(parsed.data.credentialFile)).trim();
  if (credential === "") throw invalid(file, "credentialFile", "expected a file with a credential");
  return {
    charge,
    credential,
    facilitator: createFacilitator(charge),
    statements: createStatements(charge, key.data),
    journal: new PaymentJournal(beside(parsed.data.journalFile), nowSeconds()),
    now: nowSeconds,
  };
}

function readJson(file: string): never {
  const bytes = readInput(file);
  try {
    return parseUniqueJson(bytes) as never;
  } catch (cause) {
    throw invalid(file, "", (cause as InputError).message);
  }
}

function invalid(file: string, field: string, message = ""): InputError {
  return new InputError({
    code: "INPUT_INVALID",
    message: `${file}: ${field === "" ? "" : `${field}: `}${message}`,
    details: { field },
  });
}
