/** What the stand-in model is called. */

export const STAND_IN_MODEL = "stand-in-1";
/** The same model under further names, for panels. */
export const STAND_IN_PANEL: readonly string[] = [STAND_IN_MODEL, "stand-in-2", "stand-in-3"];
